// Operators of the library, called by their names.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace within {

template <typename Signature>
c10::TypedOperatorHandle<Signature> operator_named(const char* name) {
    return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

}  // namespace within
