// Augmented images of every format.
#include "augment/image.cuh"

namespace within {

WITHIN_INSTANTIATE(launch_augment_images<float>);
WITHIN_INSTANTIATE(launch_augment_images<Float16>);
WITHIN_INSTANTIATE(launch_augment_images<BFloat16>);

}  // namespace within
