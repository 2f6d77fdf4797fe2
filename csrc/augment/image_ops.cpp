// The schemas of the augmentation of images.
#include "core/torch.h"

namespace within {

TORCH_LIBRARY_FRAGMENT(within, m) {
    m.def(
        "augment_images(Tensor images, Tensor? offsets, Tensor? sizes, Tensor integers, Tensor floats, int height, "
        "int width, float[] mean, float[] std, ScalarType dtype) -> Tensor");
    m.def(
        "augment_images.out(Tensor images, Tensor? offsets, Tensor? sizes, Tensor integers, Tensor floats, "
        "float[] mean, float[] std, Tensor(a!) out) -> ()");
}

}  // namespace within
