// LSTM layers of float and double.
#include "exact/lstm.cuh"

namespace within {

#define FORMAT(T)                                \
    WITHIN_INSTANTIATE(launch_lstm_forward<T>);  \
    WITHIN_INSTANTIATE(launch_lstm_backward<T>); \
    WITHIN_INSTANTIATE(launch_lstm_add_rows<T>)

FORMAT(double);
FORMAT(float);

}  // namespace within
