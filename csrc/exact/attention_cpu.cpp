// Attention on the CPU: blocks of queries are shared among threads, gradients by head, and of few heads by blocks.
#include "core/torch.h"

#include <algorithm>

#include "core/dispatch.h"
#include "core/kept_memory.h"
#include "exact/attention_checks.h"
#include "exact/threads.h"

namespace within {

using Space = AttentionSpace(bool, int64_t, int64_t);
using Forward = void(const AttentionForward&);
using Backward = void(const AttentionBackward&);
WITHIN_KERNEL(Space, attention_space)
WITHIN_KERNEL(Forward, attention_forward)
WITHIN_KERNEL(Backward, attention_backward)

namespace {

// All heads of some tensors.
class Heads {
  public:
    Heads(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
          const std::optional<at::Tensor>& mask, const AttentionOptions& options)
        : query_(query),
          key_(key),
          value_(value),
          mask_(mask),
          common_(attention_of(query, key, value, mask, options)),
          heads_(query.size(1)),
          shared_(heads_of_a_key(query, key)) {}

    const AttentionHead& common() const { return common_; }
    int64_t shared() const { return shared_; }  // heads that share their keys

    AttentionHead of(int64_t batch, int64_t which) const {
        AttentionHead head = common_;
        head.query = head_matrix(query_, batch, which);
        head.key = head_matrix(key_, batch, which / shared_);
        head.value = head_matrix(value_, batch, which / shared_);
        if (mask_) {
            head.mask = head_matrix(*mask_, batch, which);
            head.mask.row_step = shared_step(*mask_, 2);
            head.mask.column_step = shared_step(*mask_, 3);
        }
        head.head = static_cast<uint32_t>(batch * heads_ + which);
        return head;
    }

    AttentionSpace space() const {
        return attention_space_kernel()(common_.dtype == Dtype::float64, common_.width, common_.value_width);
    }

    int64_t size() const { return common_.dtype == Dtype::float64 ? 8 : 4; }  // bytes of a number of sums

    // Threads that the work is worth.
    int64_t threads() const {
        const int64_t products = query_.size(0) * heads_ * common_.queries * common_.keys;
        return threads_for(products * (common_.width + common_.value_width + 8));
    }

  private:
    const at::Tensor &query_, &key_, &value_;
    const std::optional<at::Tensor>& mask_;
    AttentionHead common_;
    int64_t heads_;
    int64_t shared_;
};

std::tuple<at::Tensor, at::Tensor, at::Tensor> exact_attention_cpu(const at::Tensor& query, const at::Tensor& key,
                                                                   const at::Tensor& value,
                                                                   const std::optional<at::Tensor>& mask,
                                                                   bool is_causal, std::optional<double> scale,
                                                                   double dropout_p, int64_t seed, int64_t offset) {
    const AttentionOptions options{is_causal, scale, dropout_p, seed, offset};
    check_attention(query, key, value, mask, options);
    const Heads heads(query, key, value, mask, options);
    const int64_t batch = query.size(0), count = query.size(1), queries = query.size(2);
    const AttentionResult result(query, value);
    const int64_t blocks = ceiling(queries, kQueryBlock), size = heads.size();
    share(batch * count * blocks, heads.threads(), [&](int64_t begin, int64_t end) {
        const KeptMemory space(64 + heads.space().forward * size);
        for (int64_t at = begin; at < end; ++at) {
            const int64_t b = at / blocks / count, which = at / blocks % count;
            const int64_t first = (b * count + which) * queries * size, from = at % blocks * kQueryBlock;
            attention_forward_kernel()({heads.of(b, which), mutable_head_matrix(result.out, b, which),
                                        static_cast<char*>(result.highest.mutable_data_ptr()) + first,
                                        static_cast<char*>(result.reciprocal.mutable_data_ptr()) + first, from,
                                        std::min(queries, from + kQueryBlock), space.as<void>()});
        }
    });
    return {result.out, result.highest, result.reciprocal};
}

// The heads of a task, in order: all that share what is summed over them.
struct Unit {
    int64_t batch, batch_end, head, head_end;
};

class Gradients {
  public:
    Gradients(const Heads& heads, const at::Tensor& gradient, const at::Tensor& query, const at::Tensor& key,
              const at::Tensor& value, const at::Tensor& out, const at::Tensor& highest, const at::Tensor& reciprocal,
              const at::Tensor& of_mask)
        : of_query(at::empty_like(query)),
          of_key(at::empty_like(key)),
          of_value(at::empty_like(value)),
          of_mask_(of_mask),
          heads_(heads),
          gradient_(gradient),
          out_(out),
          highest_(highest),
          reciprocal_(reciprocal) {}

    at::Tensor of_query, of_key, of_value;

    void run() {
        const AttentionHead& common = heads_.common();
        const int64_t batch = of_query.size(0), count = of_query.size(1), threads = heads_.threads();
        // A mask's numbers that several heads share are summed in one task.
        const bool is_mask = of_mask_.defined();
        const bool share_batches = is_mask && of_mask_.size(0) == 1, share_heads = is_mask && of_mask_.size(1) == 1;
        const int64_t batches = share_batches ? batch : 1, together = share_heads ? count : heads_.shared();
        if (batch == 0 || count == 0) return;
        const int64_t groups = ceiling(count, together), units = ceiling(batch, batches) * groups;
        const auto unit = [&](int64_t at) -> Unit {
            const int64_t b = at / groups * batches, h = at % groups * together;
            return {b, b + batches, h, h + together};
        };
        const int64_t key_blocks = ceiling(common.keys, kKeyTile), query_blocks = ceiling(common.queries, kQueryBlock);
        if (units >= threads || is_mask) {
            share(units, threads, [&](int64_t begin, int64_t end) {
                for (int64_t at = begin; at < end; ++at) run(unit(at), 0, common.queries, 0, common.keys, true, true);
            });
            return;
        }
        // Weights are made twice, so that keys and queries need not wait for each other.
        const int64_t key_shares = std::min(key_blocks, ceiling(4 * threads, units));
        share(units * key_shares, threads, [&](int64_t begin, int64_t end) {
            for (int64_t at = begin; at < end; ++at) {
                const int64_t part = at % key_shares;
                const int64_t from = key_blocks * part / key_shares * kKeyTile;
                const int64_t to = std::min(common.keys, key_blocks * (part + 1) / key_shares * kKeyTile);
                run(unit(at / key_shares), 0, common.queries, from, to, false, true);
            }
        });
        share(units * query_blocks, threads, [&](int64_t begin, int64_t end) {
            for (int64_t at = begin; at < end; ++at) {
                const int64_t from = at % query_blocks * kQueryBlock;
                run(unit(at / query_blocks), from, std::min(common.queries, from + kQueryBlock), 0, common.keys, true,
                    false);
            }
        });
    }

  private:
    void run(const Unit& unit, int64_t query, int64_t query_end, int64_t key, int64_t key_end, bool has_queries,
             bool has_keys) const {
        const int64_t size = heads_.size(), shared = heads_.shared();
        const AttentionSpace needed = heads_.space();
        const KeptMemory space(64 + needed.backward * size);
        const KeptMemory sums(64 + (has_keys ? (key_end - key) * needed.sums * size : 0));
        AttentionBackward task{};
        task.query = query;
        task.query_end = query_end;
        task.key = key;
        task.key_end = key_end;
        task.space = space.as<void>();
        task.sums = sums.as<void>();
        for (int64_t b = unit.batch; b < unit.batch_end; ++b) {
            for (int64_t h = unit.head; h < unit.head_end; ++h) {
                const int64_t first = (b * out_.size(1) + h) * out_.size(2) * size;
                task.head = heads_.of(b, h);
                task.gradient = head_matrix(gradient_, b, h);
                task.out = head_matrix(out_, b, h);
                task.highest = static_cast<const char*>(highest_.const_data_ptr()) + first;
                task.reciprocal = static_cast<const char*>(reciprocal_.const_data_ptr()) + first;
                task.are_queries_wanted = has_queries;
                task.are_keys_wanted = has_keys;
                if (has_queries) task.query_gradient = mutable_head_matrix(of_query, b, h);
                if (has_keys) {
                    task.key_gradient = mutable_head_matrix(of_key, b, h / shared);
                    task.value_gradient = mutable_head_matrix(of_value, b, h / shared);
                }
                if (of_mask_.defined()) {
                    task.mask_gradient = {static_cast<char*>(of_mask_.mutable_data_ptr()) + head_bytes(of_mask_, b, h),
                                          shared_step(of_mask_, 2), shared_step(of_mask_, 3),
                                          of_mask_.size(3) == 1 && task.head.keys > 1};
                }
                task.is_first = h % shared == 0;
                task.is_last = (h + 1) % shared == 0;
                attention_backward_kernel()(task);
            }
        }
    }

    const at::Tensor of_mask_;
    const Heads& heads_;
    const at::Tensor &gradient_, &out_, &highest_, &reciprocal_;
};

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> exact_attention_backward_cpu(
    const at::Tensor& gradient, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
    const std::optional<at::Tensor>& mask, const at::Tensor& out, const at::Tensor& highest,
    const at::Tensor& reciprocal, bool is_causal, std::optional<double> scale, double dropout_p, int64_t seed,
    int64_t offset, bool is_mask_wanted) {
    const AttentionOptions options{is_causal, scale, dropout_p, seed, offset};
    check_attention(query, key, value, mask, options);
    check_attention_backward(gradient, query, value, mask, out, highest, reciprocal, is_mask_wanted);
    const Heads heads(query, key, value, mask, options);
    const at::Tensor tops = highest.contiguous(), shares = reciprocal.contiguous();
    at::Tensor of_mask;
    if (is_mask_wanted) of_mask = at::zeros(mask->sizes(), highest.options());
    Gradients gradients(heads, gradient, query, key, value, out, tops, shares, of_mask);
    gradients.run();
    return {gradients.of_query, gradients.of_key, gradients.of_value, finish_mask_gradient(of_mask, mask, query)};
}

}  // namespace

TORCH_LIBRARY_IMPL(within, CPU, m) {
    m.impl("exact_attention", &exact_attention_cpu);
    m.impl("exact_attention_backward", &exact_attention_backward_cpu);
}

}  // namespace within
