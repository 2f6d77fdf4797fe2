// What the kernels of LSTM layers are launched with.
#pragma once

#include <cstdint>

#include "core/stream.h"
#include "exact/lstm.h"

namespace within {

// One direction of a layer. w_hh is turned, [hidden, 4 hidden], going forwards, and as it is going back.
template <typename T>
struct LstmDevice {
    LstmShape shape;  // lengths on the device
    const T* of_x;    // the input's product with w_ih and the biases: rows [moments or batch first, 4 hidden]
    int64_t of_x_moment, of_x_row;
    const T* w_hh;
    const T* h0;
    const T* c0;
    T* out;
    int64_t out_moment, out_row;
    T* h;
    T* c;     // the cells of each row, from moment to moment
    T* kept;  // or null
};

template <typename T>
struct LstmDeviceGradients {
    LstmShape shape;
    const T* kept;
    const T* c0;
    const T* grad_out;
    int64_t out_moment, out_row;
    const T* grad_h;
    const T* w_hh;
    const int32_t* place;
    T* grad_gates;
    int64_t grad_step;
    T* grad_h0;
    T* grad_c;  // of the cells of each row, from moment to moment; those of c at first, of c0 in the end
};

// batch > 0, as below.
template <typename T>
void launch_lstm_forward(const LstmDevice<T>& layer, Stream stream);

template <typename T>
void launch_lstm_backward(const LstmDeviceGradients<T>& layer, Stream stream);

}  // namespace within
