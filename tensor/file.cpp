#include "tensor/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <optional>

#include "tensor/check.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

/// The reason of the failed system call at hand, as words.
std::string reason() { return std::strerror(errno); }

/// An open file descriptor; close() reports what the destructor cannot.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, mode_t mode = 0) : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  bool close() {
    const int fd = fd_;
    fd_ = -1;
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view bytes) {
  constexpr size_t largest = size_t{1} << 30;  // one write() takes less than 2 GiB
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), std::min(bytes.size(), largest));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool write_all(int fd, const std::vector<std::string_view>& parts) {
  return std::all_of(parts.begin(), parts.end(), [&](std::string_view part) { return write_all(fd, part); });
}

/// The error of writing `path`, for the reason that errno holds.
[[noreturn]] void fail_writing(const fs::path& path, std::string_view who) {
  if (errno == ENOENT) fail("[", who, "] ", path.string(), ": cannot write: the folder does not exist");
  fail("[", who, "] ", path.string(), ": cannot write: ", reason());
}

/// Removes a temporary file unless it was renamed away first.
struct Remover {
  fs::path path;
  bool armed = true;
  ~Remover() {
    if (armed) ::unlink(path.c_str());
  }
};

/// Where to write: a symbolic link is followed, so that it stays a link.
fs::path resolve(const fs::path& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  const fs::path target = fs::weakly_canonical(path, error);
  return error ? path : target;
}

void sync_folder(const fs::path& folder) {
  // The rename itself survives a power cut only if the folder is synced too. Not every file system offers it, and the
  // file is complete either way, so a failure is no error.
  const Descriptor descriptor(folder.empty() ? fs::path(".") : folder, O_RDONLY | O_DIRECTORY);
  if (descriptor.valid()) ::fsync(descriptor.get());
}

}  // namespace

std::string read_file(const fs::path& path, std::string_view who) {
  const Descriptor file(path, O_RDONLY);
  if (!file.valid() && errno == ENOENT) fail("[", who, "] ", path.string(), ": there is no such file");
  if (!file.valid()) fail("[", who, "] ", path.string(), ": cannot open: ", reason());
  struct stat status {};
  check(::fstat(file.get(), &status) == 0, "[", who, "] ", path.string(), ": cannot open: ", reason());
  check(!S_ISDIR(status.st_mode), "[", who, "] ", path.string(), ": is a folder, not a file");

  std::string bytes;
  constexpr size_t chunk = size_t{1} << 20;
  if (status.st_size > 0) bytes.reserve(static_cast<size_t>(status.st_size) + chunk);
  for (;;) {
    const size_t have = bytes.size();
    bytes.resize(have + chunk);
    const ssize_t got = ::read(file.get(), bytes.data() + have, chunk);
    bytes.resize(have + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return bytes;
    if (got < 0 && errno != EINTR) fail("[", who, "] ", path.string(), ": cannot read: ", reason());
  }
}

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

void write_file_atomically(const fs::path& path, const std::vector<std::string_view>& parts, std::string_view who) {
  const fs::path target = resolve(path);
  std::optional<mode_t> permissions;
  if (struct stat status{}; ::stat(target.c_str(), &status) == 0) {
    check(!S_ISDIR(status.st_mode), "[", who, "] ", path.string(), ": cannot write: it is a folder");
    if (!S_ISREG(status.st_mode)) {
      Descriptor device(target, O_WRONLY);
      if (!device.valid() || !write_all(device.get(), parts) || !device.close()) fail_writing(path, who);
      return;
    }
    permissions = status.st_mode & 07777;
  }
  check(target.has_filename(), "[", who, "] '", path.string(), "': cannot write: this names no file");

  static std::atomic<int> serial{0};
  const auto next_name = [&] {
    const std::string suffix = ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(serial++);
    return target.parent_path() / ("." + target.filename().string() + suffix);
  };
  fs::path temporary = next_name();
  // A process of the same number may have been killed and have left one.
  while (::access(temporary.c_str(), F_OK) == 0) temporary = next_name();
  Descriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (!file.valid()) fail_writing(path, who);
  Remover remover{temporary};
  if (permissions && ::fchmod(file.get(), *permissions) != 0) fail_writing(path, who);
  if (!write_all(file.get(), parts) || ::fsync(file.get()) != 0 || !file.close()) fail_writing(path, who);
  if (::rename(temporary.c_str(), target.c_str()) != 0) fail_writing(path, who);
  remover.armed = false;
  sync_folder(target.parent_path());
}

void write_file_atomically(const fs::path& path, std::string_view bytes, std::string_view who) {
  write_file_atomically(path, std::vector<std::string_view>{bytes}, who);
}

}  // namespace lacuna
