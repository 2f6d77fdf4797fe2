// The augmentation of images on a GPU.
#include "core/torch.h"

#include "augment/image_checks.h"
#include "augment/image_launch.h"
#include "augment/plan.h"
#include "augment/resize.h"
#include "core/cuda.h"
#include "core/half.h"

namespace within {
namespace {

// Rows of three numbers, and how many statistics images wait for at most.
struct Placed {
    at::Tensor places;
    int waits = 0;
};

Placed placed(const ImageBatch& batch, DeviceImages& images) {
    Placed result;
    result.places = at::empty({batch.count, 3}, at::kLong);
    int64_t* const place = result.places.mutable_data_ptr<int64_t>();
    for (int64_t i = 0; i < batch.count; ++i) {
        place[3 * i] = batch.offset[i];
        place[3 * i + 1] = batch.height[i];
        place[3 * i + 2] = batch.width[i];
        const ImageIntegers& draws = batch.integers_of(i);
        images.column_taps = std::max(images.column_taps, axis_of(draws.width, images.target.width).taps);
        images.row_taps = std::max(images.row_taps, axis_of(draws.height, images.target.height).taps);
        result.waits = std::max(result.waits, plan_of(draws, batch.floats_of(i)).waits);
    }
    return result;
}

void launch(const DeviceImages& images, int waits, at::Tensor& out) {
    const auto stream = c10::cuda::getCurrentCUDAStream();
    launch_weigh_taps(images, stream);
    for (int wait = 0; wait < waits; ++wait) launch_count_statistic(images, wait, stream);
    switch (images.target.type) {
        case PixelType::float32:
            launch_augment_images(images, out_of<float>(out), stream);
            break;
        case PixelType::float16:
            launch_augment_images(images, out_of<Float16>(out), stream);
            break;
        case PixelType::bfloat16:
            launch_augment_images(images, out_of<BFloat16>(out), stream);
            break;
    }
    C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void augment_images_cuda_out(const at::Tensor& images, const std::optional<at::Tensor>& offsets,
                             const std::optional<at::Tensor>& sizes, const at::Tensor& integers,
                             const at::Tensor& floats, at::ArrayRef<double> mean, at::ArrayRef<double> std,
                             at::Tensor out) {
    check_out(out, images, image_count(images, offsets));
    const c10::cuda::CUDAGuard guard(images.device());
    DeviceImages device{};
    device.target = checked_target(out.size(2), out.size(3), mean, std, out.scalar_type());
    const ImageBatch batch = checked_images(images, offsets, sizes, integers, floats, device.target);
    if (batch.count == 0) return;
    const auto [places, waits] = placed(batch, device);
    const at::Tensor of_places = places.to(images.device()), of_integers = batch.integers.to(images.device()),
                     of_floats = batch.floats.to(images.device());
    const int64_t columns = batch.count * device.target.width, rows = batch.count * device.target.height;
    at::Tensor first = at::empty({columns + rows}, images.options().dtype(at::kInt));
    at::Tensor weights =
        at::empty({columns * device.column_taps + rows * device.row_taps}, images.options().dtype(at::kShort));
    at::Tensor sums = at::zeros({kMostWaits * batch.count * kImageSums}, images.options().dtype(at::kLong));
    device.count = batch.count;
    device.pixels = batch.pixels.const_data_ptr<uint8_t>();
    device.places = of_places.const_data_ptr<int64_t>();
    device.is_planar = batch.is_planar;
    device.integers = reinterpret_cast<const ImageIntegers*>(of_integers.const_data_ptr<int32_t>());
    device.floats = reinterpret_cast<const ImageFloats*>(of_floats.const_data_ptr<float>());
    device.column_first = first.mutable_data_ptr<int32_t>();
    device.row_first = device.column_first + columns;
    device.column_weights = weights.mutable_data_ptr<int16_t>();
    device.row_weights = device.column_weights + columns * device.column_taps;
    device.sums = reinterpret_cast<ImageSums*>(sums.mutable_data_ptr<int64_t>());
    launch(device, waits, out);
}

at::Tensor augment_images_cuda(const at::Tensor& images, const std::optional<at::Tensor>& offsets,
                               const std::optional<at::Tensor>& sizes, const at::Tensor& integers,
                               const at::Tensor& floats, int64_t height, int64_t width, at::ArrayRef<double> mean,
                               at::ArrayRef<double> std, at::ScalarType dtype) {
    checked_target(height, width, mean, std, dtype);
    at::Tensor out = at::empty({image_count(images, offsets), 3, height, width}, images.options().dtype(dtype));
    augment_images_cuda_out(images, offsets, sizes, integers, floats, mean, std, out);
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CUDA, m) {
    m.impl("augment_images", &augment_images_cuda);
    m.impl("augment_images.out", &augment_images_cuda_out);
}

}  // namespace within
