// LSTM layers: what the source csrc/exact/lstm_cuda.cpp asks of a GPU.
#include "exact/lstm.cuh"
#include "interface.h"

#define LSTM(name, T)                                                                                                \
    WITHIN_EMULATED void exact_lstm_forward_##name(                                                                  \
        int64_t is_reverse, int64_t moments, int64_t batch, int64_t inputs, int64_t hidden, const int64_t* lengths,  \
        const T* of_x, const T* w_hh, const T* h0, const T* c0, T* out, T* h, T* c, T* kept, int64_t of_x_moment,    \
        int64_t of_x_row, int64_t out_moment, int64_t out_row) {                                                     \
        within::launch_lstm_forward<T>({{sizeof(T) == 8, is_reverse != 0, moments, batch, inputs, hidden, lengths},  \
                                        of_x,                                                                        \
                                        of_x_moment,                                                                 \
                                        of_x_row,                                                                    \
                                        w_hh,                                                                        \
                                        h0,                                                                          \
                                        c0,                                                                          \
                                        out,                                                                         \
                                        out_moment,                                                                  \
                                        out_row,                                                                     \
                                        h,                                                                           \
                                        c,                                                                           \
                                        kept},                                                                       \
                                       nullptr);                                                                     \
    }                                                                                                                \
    WITHIN_EMULATED void exact_lstm_backward_##name(                                                                 \
        int64_t is_reverse, int64_t moments, int64_t batch, int64_t inputs, int64_t hidden, const int64_t* lengths,  \
        const T* kept, const T* c0, const T* grad_out, const T* grad_h, const T* w_hh, const int32_t* place,         \
        T* grad_gates, T* grad_h0, T* grad_c, int64_t out_moment, int64_t out_row, int64_t grad_step) {              \
        within::launch_lstm_backward<T>({{sizeof(T) == 8, is_reverse != 0, moments, batch, inputs, hidden, lengths}, \
                                         kept,                                                                       \
                                         c0,                                                                         \
                                         grad_out,                                                                   \
                                         out_moment,                                                                 \
                                         out_row,                                                                    \
                                         grad_h,                                                                     \
                                         w_hh,                                                                       \
                                         place,                                                                      \
                                         grad_gates,                                                                 \
                                         grad_step,                                                                  \
                                         grad_h0,                                                                    \
                                         grad_c},                                                                    \
                                        nullptr);                                                                    \
    }

LSTM(float64, double)
LSTM(float32, float)
