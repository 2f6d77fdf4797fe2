// What the tensors of a table's augmentation must be, and how they are handed to a kernel.
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "augment/features.h"

namespace within {

using MaybeTensor = std::optional<at::Tensor>;

inline uint64_t chance_in_words(double chance) { return static_cast<uint64_t>(chance * 0x1p32 + 0.5); }

inline void check_ids(const at::Tensor& ids, const at::Device& device, int64_t epoch) {
    TORCH_CHECK_VALUE(ids.scalar_type() == at::kLong, "augment_features: sample_ids is ", ids.scalar_type(),
                      ", expected int64");
    TORCH_CHECK_VALUE(ids.dim() == 1, "augment_features: sample_ids has shape ", ids.sizes(), ", expected [N]");
    TORCH_CHECK_VALUE(ids.device() == device, "augment_features: sample_ids is on ", ids.device(), ", expected ",
                      device, " where x is");
    TORCH_CHECK_VALUE(epoch >= 0 && epoch < int64_t{1} << 32, "augment_features: epoch is ", epoch,
                      ", expected 0 to 2^32 - 1");
}

inline void check_chance(double chance, const char* name) {
    TORCH_CHECK_VALUE(chance >= 0 && chance <= 1, "augment_features: ", name, " is ", chance, ", expected 0 to 1");
}

// Two words a purpose, read by the host whatever the device.
inline void read_keys(const at::Tensor& keys, uint32_t (*words)[2]) {
    TORCH_CHECK_VALUE(
        keys.scalar_type() == at::kLong && keys.device().is_cpu() && keys.sizes() == at::IntArrayRef({kPurposes, 2}),
        "augment_features: keys is ", keys.scalar_type(), " ", keys.sizes(), " on ", keys.device(),
        ", expected int64 [", kPurposes, ", 2] on cpu");
    const at::Tensor dense = keys.contiguous();
    for (int i = 0; i < kPurposes * 2; ++i)
        words[i / 2][i % 2] = static_cast<uint32_t>(dense.const_data_ptr<int64_t>()[i]);
}

inline void check_bank_rows(int64_t rows) {
    TORCH_CHECK_VALUE(rows >= 1 && rows <= int64_t{1} << 32, "augment_features: bank has ", rows,
                      " rows, expected 1 to 2^32");
}

inline void check_table(const at::Tensor& x, const at::Tensor& ids, int64_t epoch, double dropout, double swap) {
    const auto type = x.scalar_type();
    TORCH_CHECK_VALUE(type == at::kFloat || type == at::kDouble, "augment_features: x is ", type,
                      ", expected float32 or float64");
    TORCH_CHECK_VALUE(x.dim() == 2, "augment_features: x has shape ", x.sizes(), ", expected [N, D]");
    check_ids(ids, x.device(), epoch);
    TORCH_CHECK_VALUE(ids.size(0) == x.size(0), "augment_features: sample_ids has shape ", ids.sizes(), ", expected [",
                      x.size(0), "] as x has ", x.size(0), " rows");
    check_chance(dropout, "dropout");
    check_chance(swap, "swap");
}

// One that stands beside x, if it is there.
inline void check_beside(const MaybeTensor& tensor, const at::Tensor& x, at::IntArrayRef shape, const char* name) {
    if (!tensor.has_value()) return;
    TORCH_CHECK_VALUE(tensor->scalar_type() == x.scalar_type(), "augment_features: ", name, " is ",
                      tensor->scalar_type(), ", expected ", x.scalar_type(), " as x is");
    TORCH_CHECK_VALUE(tensor->sizes() == shape, "augment_features: ", name, " has shape ", tensor->sizes(),
                      ", expected ", shape);
    TORCH_CHECK_VALUE(tensor->device() == x.device(), "augment_features: ", name, " is on ", tensor->device(),
                      ", expected ", x.device(), " where x is");
}

inline void check_weights(const MaybeTensor& weights, const at::Tensor& x) {
    if (!weights.has_value()) return;
    TORCH_CHECK_VALUE(weights->scalar_type() == at::kDouble && weights->sizes() == at::IntArrayRef{x.size(0)} &&
                          weights->device() == x.device(),
                      "augment_features: weights is ", weights->scalar_type(), " ", weights->sizes(), " on ",
                      weights->device(), ", expected float64 [", x.size(0), "] on ", x.device());
}

inline void check_partners(const MaybeTensor& partners, const MaybeTensor& weights, const at::Tensor& x) {
    TORCH_CHECK_VALUE(partners.has_value() == weights.has_value(),
                      "augment_features: one of partners and weights is None, expected both or neither");
    if (!partners.has_value()) return;
    TORCH_CHECK_VALUE(partners->scalar_type() == at::kLong && partners->sizes() == at::IntArrayRef{x.size(0)} &&
                          partners->device() == x.device(),
                      "augment_features: partners is ", partners->scalar_type(), " ", partners->sizes(), " on ",
                      partners->device(), ", expected int64 [", x.size(0), "] on ", x.device());
}

// What an augmentation is given, checked, and kept alive while a kernel reads it.
struct FeatureTensors {
    at::Tensor x, ids;
    MaybeTensor bank, noise_scale, fill, partners, weights;

    Features task(at::Tensor& out, const at::Tensor& keys, int64_t epoch, double dropout, double swap) const {
        Features task{};
        task.x = x.const_data_ptr();
        task.bank = pointer(bank);
        task.noise_scale = pointer(noise_scale);
        task.fill = pointer(fill);
        task.ids = ids.const_data_ptr<int64_t>();
        task.partners = static_cast<const int64_t*>(pointer(partners));
        task.weights = static_cast<const double*>(pointer(weights));
        task.out = out.mutable_data_ptr();
        task.columns = x.size(1);
        task.bank_rows = bank.has_value() ? bank->size(0) : 0;
        task.end = x.size(0);
        task.dropout = chance_in_words(dropout);
        task.swap = chance_in_words(swap);
        read_keys(keys, task.keys);
        task.epoch = static_cast<uint32_t>(epoch);
        return task;
    }

  private:
    static const void* pointer(const MaybeTensor& tensor) {
        return tensor.has_value() ? tensor->const_data_ptr() : nullptr;
    }
};

inline MaybeTensor contiguous(const MaybeTensor& tensor) {
    return tensor.has_value() ? MaybeTensor(tensor->contiguous()) : MaybeTensor();
}

inline FeatureTensors checked_features(const at::Tensor& x, const MaybeTensor& bank, const MaybeTensor& noise_scale,
                                       const MaybeTensor& fill, const MaybeTensor& partners, const MaybeTensor& weights,
                                       const at::Tensor& ids, int64_t epoch, double dropout, double swap) {
    check_table(x, ids, epoch, dropout, swap);
    const int64_t columns = x.size(1);
    check_beside(bank, x, {bank.has_value() ? bank->size(0) : 0, columns}, "bank");
    if (bank.has_value() && x.size(0) > 0) check_bank_rows(bank->size(0));
    check_beside(noise_scale, x, {columns}, "noise_scale");
    check_beside(fill, x, {columns}, "fill");
    check_partners(partners, weights, x);
    check_weights(weights, x);
    TORCH_CHECK_VALUE(bank.has_value() || (swap == 0 && !partners.has_value()),
                      "augment_features: bank is None, expected rows to swap or mix with");
    TORCH_CHECK_VALUE(fill.has_value() || dropout == 0,
                      "augment_features: fill is None, expected what dropped features become");
    return {x.contiguous(),   ids.contiguous(),     contiguous(bank),   contiguous(noise_scale),
            contiguous(fill), contiguous(partners), contiguous(weights)};
}

inline FeatureTensors checked_gradient(const at::Tensor& gradient, const MaybeTensor& weights, const at::Tensor& ids,
                                       int64_t epoch, double dropout, double swap) {
    check_table(gradient, ids, epoch, dropout, swap);
    check_weights(weights, gradient);
    FeatureTensors tensors;
    tensors.x = gradient.contiguous();
    tensors.ids = ids.contiguous();
    tensors.weights = contiguous(weights);
    return tensors;
}

inline Mixup checked_mixup(const at::Tensor& ids, const at::Tensor& keys, int64_t epoch, int64_t bank_rows,
                           double chance, double alpha) {
    check_ids(ids, ids.device(), epoch);
    check_bank_rows(bank_rows);
    check_chance(chance, "chance");
    TORCH_CHECK_VALUE(alpha > 0 && alpha <= 1e6, "augment_features: alpha is ", alpha,
                      ", expected above 0 and at most 1e6");
    Mixup mixup{};
    mixup.bank_rows = bank_rows;
    mixup.end = ids.size(0);
    mixup.chance = chance_in_words(chance);
    mixup.alpha = alpha;
    uint32_t words[kPurposes][2];
    read_keys(keys, words);
    for (int i = 0; i < 2; ++i) mixup.key[i] = words[static_cast<int>(Purpose::mixup)][i];
    mixup.epoch = static_cast<uint32_t>(epoch);
    return mixup;
}

}  // namespace within
