// LSTM layers of float and double.
#include "exact/lstm.cuh"

namespace within {

#define FORMAT(T)                               \
    WITHIN_INSTANTIATE(launch_lstm_forward<T>); \
    WITHIN_INSTANTIATE(launch_lstm_backward<T>)

FORMAT(double);
FORMAT(float);

}  // namespace within
