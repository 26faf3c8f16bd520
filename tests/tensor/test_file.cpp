#include <sys/stat.h>
#include <unistd.h>

#include "tensor/file.h"
#include "tests/support/compare.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"

namespace lacuna {

using test::error_of;
using test::FileSizeLimit;

TEST_CASE("file: what is written is read, and nothing else stays in the folder") {
  const test::TemporaryFolder folder;
  const std::string bytes("a\0b\n\xff", 5), large(3'000'000, 'x');
  write_file_atomically(folder / "f", bytes);
  CHECK(read_file(folder / "f") == bytes);
  write_file_atomically(folder / "f", {bytes, large, bytes});
  CHECK(read_file(folder / "f") == bytes + large + bytes);
  write_file_atomically(folder / "f", "");
  CHECK(read_file(folder / "f").empty());
  CHECK(folder.entries() == 1);
}

TEST_CASE("file: what a killed process left is no hindrance") {
  const test::TemporaryFolder folder;
  for (int serial = 0; serial < 200; ++serial) {
    folder.file(".f.tmp-" + std::to_string(::getpid()) + "-" + std::to_string(serial), "half");
  }
  write_file_atomically(folder / "f", "whole");
  CHECK(read_file(folder / "f") == "whole");
  CHECK(folder.entries() == 201);
}

TEST_CASE("file: when the space runs out the old file stays whole and the temporary one goes") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "f", "the old content");
  const std::string large(100'000, 'x');
  const std::string path = (folder / "f").string();
  std::string error;
  {
    const FileSizeLimit limit(50'000);
    error = error_of([&] { write_file_atomically(path, large, "checkpoint"); });
  }
  CHECK(error == "[checkpoint] " + path + ": cannot write: File too large");
  CHECK(read_file(path) == "the old content");
  CHECK(folder.entries() == 1);
  CHECK(error_of([] { write_file_atomically("/dev/full", "x"); }) ==
        "[file] /dev/full: cannot write: No space left on device");
}

TEST_CASE("file: permissions, links and devices stay what they are") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "f", "1");
  ::chmod((folder / "f").c_str(), 0640);
  std::filesystem::create_symlink("f", folder / "link");
  write_file_atomically(folder / "link", "2");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "f") == "2");
  struct stat status {};
  CHECK(::stat((folder / "f").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
  write_file_atomically("/dev/null", "gone");
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("file: errors name the file and the reason") {
  const test::TemporaryFolder folder;
  const std::string name = folder.path().string();
  CHECK(error_of([&] { read_file(folder / "none", "image"); }) == "[image] " + name + "/none: there is no such file");
  CHECK(error_of([&] { read_file(folder.path()); }) == "[file] " + name + ": is a folder, not a file");
  CHECK(error_of([&] { write_file_atomically(folder.path(), "x"); }) ==
        "[file] " + name + ": cannot write: it is a folder");
  CHECK(error_of([&] { write_file_atomically(folder / "none/f", "x"); }) ==
        "[file] " + name + "/none/f: cannot write: the folder does not exist");
  CHECK(error_of([&] { write_file_atomically("", "x"); }) == "[file] '': cannot write: this names no file");
}

}  // namespace lacuna
