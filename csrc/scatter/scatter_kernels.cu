// The launches of the scatter family for every format.
#include "scatter/scatter.cuh"

namespace within {

#define SUM(T, work)                              \
    WITHIN_INSTANTIATE(launch_add_rows<T, work>); \
    WITHIN_INSTANTIATE(launch_finish<T, work, T>)
#define FORMAT(T)                               \
    SUM(T, Work::sum);                          \
    SUM(T, Work::mean);                         \
    WITHIN_INSTANTIATE(launch_add_misfits<T>);  \
    WITHIN_INSTANTIATE(launch_extremes<T>);     \
    WITHIN_INSTANTIATE(launch_exponentials<T>); \
    WITHIN_INSTANTIATE(launch_shares<T>);       \
    WITHIN_INSTANTIATE(launch_log_of_sums<T>)

FORMAT(double);
FORMAT(float);
FORMAT(Float16);
FORMAT(BFloat16);
SUM(float, Work::moments);
SUM(Float16, Work::moments);
SUM(BFloat16, Work::moments);
// Of exponentials, to be divided by.
WITHIN_INSTANTIATE(launch_finish<float, Work::sum, double>);

}  // namespace within
