#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace lacuna {

/// Every error the library throws. The message starts with the op in brackets, says what is wrong with
/// the shapes or values at hand, and is fit to be shown to a user as one line.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {
template <class T>
void append(std::ostringstream& out, const T& part) {
  if constexpr (requires { part.str(); }) {
    out << part.str();
  } else {
    out << part;
  }
}
}  // namespace detail

/// Throws Error with the parts joined; a part is anything printable or with a str() member.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream out;
  (detail::append(out, parts), ...);
  throw Error(out.str());
}

/// fail(parts...) unless the condition holds.
template <class... Parts>
void check(bool condition, const Parts&... parts) {
  if (!condition) fail(parts...);
}

}  // namespace lacuna
