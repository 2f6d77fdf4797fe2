// What the tensors of an augmentation of images must be.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <optional>
#include <vector>

#include "augment/image.h"

namespace within {

struct ImageBatch {
    at::Tensor pixels;  // contiguous
    int64_t count;
    bool is_planar;               // three planes, not three bytes a pixel
    std::vector<int64_t> offset;  // of each image in bytes
    std::vector<int64_t> height, width;
    at::Tensor integers, floats;  // on the CPU, contiguous

    ImageSource source(const uint8_t* bytes, int64_t i) const {
        if (is_planar) return {bytes + offset[i], width[i], 1, height[i] * width[i]};
        return {bytes + offset[i], 3 * width[i], 3, 1};
    }
    const ImageIntegers& integers_of(int64_t i) const {
        return reinterpret_cast<const ImageIntegers*>(integers.const_data_ptr<int32_t>())[i];
    }
    const ImageFloats& floats_of(int64_t i) const {
        return reinterpret_cast<const ImageFloats*>(floats.const_data_ptr<float>())[i];
    }
};

inline void place_images(ImageBatch& batch, const at::Tensor& images) {
    TORCH_CHECK_VALUE(images.size(1) == 3 || images.size(3) == 3, "augment_images: images has shape ", images.sizes(),
                      ", expected [B, 3, H, W] or [B, H, W, 3]");
    batch.count = images.size(0);
    batch.is_planar = images.size(1) == 3;
    at::Tensor pixels = images;
    if (batch.is_planar && images.permute({0, 2, 3, 1}).is_contiguous()) {
        pixels = images.permute({0, 2, 3, 1});  // torch.channels_last
        batch.is_planar = false;
    }
    batch.pixels = pixels.contiguous();
    const int64_t height = images.size(images.size(1) == 3 ? 2 : 1), width = images.size(images.size(1) == 3 ? 3 : 2);
    for (int64_t i = 0; i < batch.count; ++i) batch.offset.push_back(3 * i * height * width);
    batch.height.assign(batch.count, height);
    batch.width.assign(batch.count, width);
}

inline void place_ragged(ImageBatch& batch, const at::Tensor& images, const at::Tensor& offsets,
                         const at::Tensor& sizes) {
    TORCH_CHECK_VALUE(images.dim() == 1, "augment_images: images has shape ", images.sizes(),
                      ", expected bytes [N] where offsets and sizes are given");
    TORCH_CHECK_VALUE(offsets.dim() == 1 && offsets.scalar_type() == at::kLong, "augment_images: offsets is ",
                      offsets.scalar_type(), " ", offsets.sizes(), ", expected int64 [B]");
    batch.count = offsets.size(0);
    TORCH_CHECK_VALUE(sizes.dim() == 2 && sizes.size(0) == batch.count && sizes.size(1) == 2 &&
                          (sizes.scalar_type() == at::kLong || sizes.scalar_type() == at::kInt),
                      "augment_images: sizes is ", sizes.scalar_type(), " ", sizes.sizes(),
                      ", expected int32 or int64 [", batch.count, ", 2]");
    batch.is_planar = false;
    batch.pixels = images.contiguous();
    const at::Tensor offset = offsets.to(at::kCPU).contiguous(), size = sizes.to(at::kCPU, at::kLong).contiguous();
    const int64_t* const of = offset.const_data_ptr<int64_t>();
    const int64_t* const extent = size.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < batch.count; ++i) {
        const int64_t height = extent[2 * i], width = extent[2 * i + 1];
        TORCH_CHECK_VALUE(height >= 1 && width >= 1 && height < (1 << 24) && width < (1 << 24),
                          "augment_images: sizes[", i, "] is ", height, " x ", width,
                          ", expected 1 to 2^24 - 1 pixels");
        TORCH_CHECK_VALUE(of[i] >= 0 && of[i] <= images.numel() - 3 * height * width, "augment_images: offsets[", i,
                          "] is ", of[i], ", expected 0 to ", images.numel() - 3 * height * width, ", as image ", i,
                          " has ", 3 * height * width, " of ", images.numel(), " bytes");
        batch.offset.push_back(of[i]);
        batch.height.push_back(height);
        batch.width.push_back(width);
    }
}

inline void check_draws(const ImageBatch& batch, int64_t i, const ImageTarget& target) {
    const ImageIntegers& draw = batch.integers_of(i);
    const ImageFloats& value = batch.floats_of(i);
    TORCH_CHECK_VALUE(draw.top >= 0 && draw.left >= 0 && draw.height >= 1 && draw.width >= 1 &&
                          draw.height <= batch.height[i] - draw.top && draw.width <= batch.width[i] - draw.left,
                      "augment_images: draws.crop[", i, "] is ", draw.top, ", ", draw.left, ", ", draw.height, ", ",
                      draw.width, ", expected top, left, height and width inside of an image of ", batch.height[i],
                      " x ", batch.width[i]);
    int seen = 0;
    for (const int32_t step : draw.order) seen |= step >= 0 && step < 4 ? 1 << step : 0;
    TORCH_CHECK_VALUE(seen == 15, "augment_images: draws.order[", i, "] is ", draw.order[0], ", ", draw.order[1], ", ",
                      draw.order[2], ", ", draw.order[3], ", expected a permutation of 0 to 3");
    const struct {
        const char* name;
        float value, least, most;
    } bounds[] = {{"brightness", value.brightness, 0, INFINITY}, {"contrast", value.contrast, 0, INFINITY},
                  {"saturation", value.saturation, 0, INFINITY}, {"hue", value.hue, -0.5f, 0.5f},
                  {"noise_std", value.noise_std, 0, INFINITY},   {"erase_value", value.erase_value, 0, 1},
                  {"style_weight", value.style_weight, 0, 1}};
    for (const auto& bound : bounds)
        TORCH_CHECK_VALUE(std::isfinite(bound.value) && bound.value >= bound.least && bound.value <= bound.most,
                          "augment_images: draws.", bound.name, "[", i, "] is ", bound.value, ", expected ",
                          bound.least, " to ", bound.most);
    for (int c = 0; c < 3; ++c)
        TORCH_CHECK_VALUE(
            std::isfinite(value.style_mean[c]) && std::isfinite(value.style_std[c]) && value.style_std[c] >= 0,
            "augment_images: draws.style_mean and style_std[", i, ", ", c, "] are ", value.style_mean[c], " and ",
            value.style_std[c], ", expected finite numbers, the latter at least 0");
    const bool fits = draw.erase_top >= 0 && draw.erase_left >= 0 && draw.erase_height >= 0 && draw.erase_width >= 0 &&
                      draw.erase_height <= target.height - draw.erase_top &&
                      draw.erase_width <= target.width - draw.erase_left;
    TORCH_CHECK_VALUE(fits, "augment_images: draws.erase[", i, "] is ", draw.erase_top, ", ", draw.erase_left, ", ",
                      draw.erase_height, ", ", draw.erase_width, " in pixels, expected a rectangle inside of ",
                      target.height, " x ", target.width);
}

inline ImageTarget checked_target(int64_t height, int64_t width, at::ArrayRef<double> mean, at::ArrayRef<double> std,
                                  at::ScalarType dtype) {
    TORCH_CHECK_VALUE(height >= 1 && width >= 1 && height < (1 << 24) && width < (1 << 24), "augment_images: size is ",
                      height, " x ", width, ", expected 1 to 2^24 - 1 pixels");
    TORCH_CHECK_VALUE(dtype == at::kFloat || dtype == at::kHalf || dtype == at::kBFloat16, "augment_images: dtype is ",
                      dtype, ", expected float32, float16 or bfloat16");
    TORCH_CHECK_VALUE(mean.size() == 3 && std.size() == 3, "augment_images: mean and std have ", mean.size(), " and ",
                      std.size(), " numbers, expected 3 each");
    ImageTarget target{height,
                       width,
                       dtype == at::kFloat  ? PixelType::float32
                       : dtype == at::kHalf ? PixelType::float16
                                            : PixelType::bfloat16,
                       {},
                       {}};
    for (int c = 0; c < 3; ++c) {
        TORCH_CHECK_VALUE(std::isfinite(mean[c]) && std::isfinite(std[c]) && std[c] > 0, "augment_images: mean[", c,
                          "] and std[", c, "] are ", mean[c], " and ", std[c],
                          ", expected finite numbers, the latter above 0");
        target.scale[c] = static_cast<float>(1 / std[c]);
        target.shift[c] = static_cast<float>(-mean[c] / std[c]);
    }
    return target;
}

inline ImageBatch checked_images(const at::Tensor& images, const std::optional<at::Tensor>& offsets,
                                 const std::optional<at::Tensor>& sizes, const at::Tensor& integers,
                                 const at::Tensor& floats, const ImageTarget& target) {
    TORCH_CHECK_VALUE(images.scalar_type() == at::kByte, "augment_images: images is ", images.scalar_type(),
                      ", expected uint8");
    TORCH_CHECK_VALUE(offsets.has_value() == sizes.has_value(),
                      "augment_images: offsets and sizes, expected both or none");
    ImageBatch batch;
    if (offsets.has_value()) {
        place_ragged(batch, images, *offsets, *sizes);
    } else {
        TORCH_CHECK_VALUE(images.dim() == 4, "augment_images: images has shape ", images.sizes(),
                          ", expected [B, 3, H, W] or [B, H, W, 3]");
        place_images(batch, images);
    }
    TORCH_CHECK_VALUE(integers.scalar_type() == at::kInt && integers.dim() == 2 && integers.size(0) == batch.count &&
                          integers.size(1) == kImageIntegers,
                      "augment_images: draws are of ", integers.sizes(), " integers, expected int32 [", batch.count,
                      ", ", kImageIntegers, "] for as many images");
    TORCH_CHECK_VALUE(floats.scalar_type() == at::kFloat && floats.dim() == 2 && floats.size(0) == batch.count &&
                          floats.size(1) == kImageFloats,
                      "augment_images: draws are of ", floats.sizes(), " floats, expected float32 [", batch.count, ", ",
                      kImageFloats, "] for as many images");
    batch.integers = integers.to(at::kCPU).contiguous();
    batch.floats = floats.to(at::kCPU).contiguous();
    for (int64_t i = 0; i < batch.count; ++i) check_draws(batch, i, target);
    return batch;
}

inline void check_out(const at::Tensor& out, const at::Tensor& images, int64_t count) {
    TORCH_CHECK_VALUE(out.dim() == 4 && out.size(0) == count && out.size(1) == 3 && out.is_contiguous(),
                      "augment_images: out has shape ", out.sizes(), ", expected a contiguous [", count,
                      ", 3, height, width]");
    TORCH_CHECK_VALUE(out.device() == images.device(), "augment_images: out is on ", out.device(), ", expected ",
                      images.device(), " where images is");
}

inline int64_t image_count(const at::Tensor& images, const std::optional<at::Tensor>& offsets) {
    const at::Tensor& counted = offsets.has_value() ? *offsets : images;
    TORCH_CHECK_VALUE(counted.dim() >= 1, "augment_images: images has no dimension, expected [B, ...]");
    return counted.size(0);
}

}  // namespace within
