// The augmentation of images on the CPU: an image is one thread's.
#include "core/torch.h"

#include "augment/image_checks.h"
#include "augment/image_kernel.h"

namespace within {
namespace {

constexpr int64_t kFarBytes = 1 << 22;

void augment_images_cpu_out(const at::Tensor& images, const std::optional<at::Tensor>& offsets,
                            const std::optional<at::Tensor>& sizes, const at::Tensor& integers,
                            const at::Tensor& floats, at::ArrayRef<double> mean, at::ArrayRef<double> std,
                            at::Tensor out) {
    check_out(out, images, image_count(images, offsets));
    const ImageTarget target = checked_target(out.size(2), out.size(3), mean, std, out.scalar_type());
    const ImageBatch batch = checked_images(images, offsets, sizes, integers, floats, target);
    const uint8_t* const bytes = batch.pixels.const_data_ptr<uint8_t>();
    char* const written = static_cast<char*>(out.mutable_data_ptr());
    const int64_t size = 3 * target.height * target.width * static_cast<int64_t>(out.element_size());
    const bool is_far = batch.count * size > kFarBytes;
    AugmentImage* const augment = augment_image_kernel();
    AugmentRoom* const room_of = augment_room_kernel();
    at::parallel_for(0, batch.count, 1, [&](int64_t begin, int64_t end) {
        int64_t room = 0;
        for (int64_t i = begin; i < end; ++i) room = std::max(room, room_of(batch.integers_of(i), target));
        const std::unique_ptr<char[]> workspace(new char[room]);
        for (int64_t i = begin; i < end; ++i) {
            const ImageSource source = batch.source(bytes, i);
            augment({source, batch.integers_of(i), batch.floats_of(i), target, written + i * size, is_far,
                     workspace.get()});
        }
    });
}

at::Tensor augment_images_cpu(const at::Tensor& images, const std::optional<at::Tensor>& offsets,
                              const std::optional<at::Tensor>& sizes, const at::Tensor& integers,
                              const at::Tensor& floats, int64_t height, int64_t width, at::ArrayRef<double> mean,
                              at::ArrayRef<double> std, at::ScalarType dtype) {
    checked_target(height, width, mean, std, dtype);
    at::Tensor out = at::empty({image_count(images, offsets), 3, height, width}, images.options().dtype(dtype));
    augment_images_cpu_out(images, offsets, sizes, integers, floats, mean, std, out);
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("augment_images", &augment_images_cpu);
    m.impl("augment_images.out", &augment_images_cpu_out);
}

}  // namespace within
