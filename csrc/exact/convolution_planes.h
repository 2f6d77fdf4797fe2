// What the CPU's convolutions share: threads, and the planes that they read.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "exact/convolution_checks.h"
#include "exact/convolution_plan.h"
#include "exact/threads.h"

namespace within {

using ConvolutionSize = int64_t(bool);
using LayOutPlanes = void(const LayOut&);
WITHIN_KERNEL(ConvolutionSize, convolution_tile_rows)
WITHIN_KERNEL(ConvolutionSize, convolution_panel_columns)
WITHIN_KERNEL(LayOutPlanes, convolution_lay_out)

// Those that its products are worth.
inline int64_t threads_for(const Convolution& of) {
    return threads_for(of.batch * of.groups * of.outputs * of.channels * of.y.kernel * of.x.kernel * of.y.out *
                       of.x.out);
}

// Every row_step-th row and column_step-th column.
inline Images images_of(const at::Tensor& images, int64_t row_step, int64_t column_step) {
    return {dtype_of(images.scalar_type()), images.const_data_ptr(),       images.stride(0), images.stride(1),
            images.stride(2) * row_step,    images.stride(3) * column_step};
}

// The planes of images as a plan reads them: where they lie already, or laid out, some images at a time.
class Planes {
  public:
    // `multiple`: of images that are laid out together, or all.
    Planes(const at::Tensor& images, const PlanePlan& plan, int64_t threads, int64_t multiple)
        : plan_(plan), threads_(threads), images_(images_of(images, plan.y.source_step, plan.x.source_step)) {
        const Layout& layout = plan_.layout;
        batch_ = images.size(0);
        channels_ = images.size(1);
        size_ = images_.dtype == Dtype::float64 ? 8 : 4;
        is_direct_ = (images_.dtype == Dtype::float32 || images_.dtype == Dtype::float64) && layout.phases == 1 &&
                     layout.top == 0 && layout.left == 0 && layout.rows <= layout.height &&
                     layout.length <= layout.width && images_.column == 1;
        row_ = is_direct_ ? images_.row : layout.row;
        plane_ = is_direct_ ? images_.plane : layout.plane;
        image_ = is_direct_ ? images_.image : channels_ * layout.plane;
        together_ = batch_;
        if (!is_direct_) {
            const int64_t fitting = kChunkBytes / std::max<int64_t>(1, image_ * size_);
            together_ = ceiling(std::max(fitting, threads), multiple) * multiple;
            together_ = std::min(together_, batch_);
            memory_.emplace((together_ * image_ + kPlaneSlack) * size_);
        }
    }

    int64_t together() const { return together_; }
    int64_t row() const { return row_; }
    int64_t plane() const { return plane_; }

    // Of images [first, last), with positions to be filled in.
    Positions lay_out(int64_t first, int64_t last) {
        Positions positions{};
        positions.image = image_;
        if (is_direct_) {
            positions.source = static_cast<const char*>(images_.data) + first * image_ * size_;
            positions.size = (last - first - 1) * image_ + (channels_ - 1) * plane_ + (plan_.layout.height - 1) * row_ +
                             plan_.layout.width;
            return positions;
        }
        Images from = images_;
        from.data = static_cast<const char*>(images_.data) + first * images_.image * element_size();
        share((last - first) * channels_, threads_, [&](int64_t begin, int64_t end) {
            convolution_lay_out_kernel()({from, plan_.layout, channels_, begin, end, memory_->as<void>()});
        });
        positions.source = memory_->as<void>();
        positions.size = (last - first) * image_ + kPlaneSlack;
        return positions;
    }

  private:
    static constexpr int64_t kChunkBytes = int64_t{1} << 22;  // laid out at once
    static constexpr int64_t kPlaneSlack = 64;                // numbers that a copy may have too many

    int64_t element_size() const {
        return images_.dtype == Dtype::float64 ? 8 : images_.dtype == Dtype::float32 ? 4 : 2;
    }

    const PlanePlan& plan_;
    int64_t threads_, batch_, channels_, size_, together_, row_, plane_, image_;
    Images images_;
    bool is_direct_;
    std::optional<KeptMemory> memory_;
};

}  // namespace within
