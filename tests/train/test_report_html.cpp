#include <set>

#include "tests/support/compare.h"
#include "train/report_html.h"

namespace lacuna {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::string bytes_of(const std::string& base64_text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t word = 0;
  int bits = 0;
  for (const char c : base64_text) {
    if (c == '=') break;
    word = word << 6 | static_cast<uint32_t>(digits.find(c));
    if ((bits += 6) >= 8) bytes += static_cast<char>(word >> (bits -= 8) & 255);
  }
  return bytes;
}

/// Checks that elements are closed in the order in which they were opened.
void check_nesting(const std::string& html) {
  const std::set<std::string> no_end{"meta", "img", "br", "line", "circle", "path", "!DOCTYPE"};
  std::vector<std::string> open;
  for (size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at)) {
    const size_t end = html.find('>', at);
    REQUIRE(end != std::string::npos);
    const bool closing = html[at + 1] == '/';
    const size_t begin = at + 1 + closing;
    const std::string name = html.substr(begin, html.find_first_of(" />\n", begin) - begin);
    at = end;
    if (closing) {
      REQUIRE(!open.empty());
      REQUIRE_MESSAGE(open.back() == name, "</" << name << "> ends <" << open.back() << ">");
      open.pop_back();
    } else if (no_end.count(name) == 0) {
      open.push_back(name);
      if (name == "script" || name == "style") at = html.find("</" + name, at);
    }
  }
  CHECK(open.empty());
}

const Image grey{8, 8, 1, 8, std::vector<uint16_t>(64, 99)};

/// `count` pictures by two methods with L1 of 1, 2, 3, ... and half as much.
struct Made {
  Evaluation evaluation;
  ReportPictures pictures;

  Made(size_t count, size_t extremes) : pictures(count, extremes) {
    evaluation.methods = {{"first"}, {"<second> & \"co\""}};
    for (size_t i = 0; i < count; ++i) {
      const double l1 = static_cast<double>(i + 1);
      evaluation.pictures.push_back("p" + std::to_string(i) + "</script>.png");
      const auto metrics = [](double x) {
        return Metrics{{"hole_l1", x}, {"hole_psnr", 20}, {"hole_tv", 1}, {"psnr", 30}, {"ssim", 0.5}, {"tv", 2}};
      };
      evaluation.methods[0].pictures.push_back(metrics(l1));
      evaluation.methods[1].pictures.push_back(metrics(l1 / 2));
      evaluation.originals.pictures.push_back({{"hole_tv", 4}, {"tv", 4}});
      pictures.add(i, l1, grey, Tensor::zeros({1, 8, 8, 1}), {grey, grey});
    }
  }
};

}  // namespace

TEST_CASE("report: base64 as RFC 4648 has it") {
  for (const auto& [bytes, text] : std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                                                    {"f", "Zg=="},
                                                                                    {"fo", "Zm8="},
                                                                                    {"foo", "Zm9v"},
                                                                                    {"foobar", "Zm9vYmFy"},
                                                                                    {"\xff\xfe\xfb", "//77"}}) {
    CHECK(base64(bytes) == text);
    CHECK(bytes_of(text) == bytes);
  }
}

TEST_CASE("report: a whole page that needs nothing beside itself") {
  const Made made(5, 2);
  const std::vector<LogCurve> training{{"train", "l1", {{1, 2}, {2, 1}}},
                                       {"train", "gradient_gan", {{1, 2}, {2, 1}}},
                                       {"validation", "hole_l1", {{2, 9}}}};
  const std::string html = report_html(
      {made.evaluation, made.pictures, training, {{"Command", "lacuna eval --images 'a<b'"}, {"Date", "now"}}});
  check_nesting(html);
  CHECK(html.starts_with("<!DOCTYPE html>"));
  for (const std::string outside : {"http:", "https:", "src=\"/", "<link", "@import", "url("})
    CHECK_FALSE(contains(html, outside));
  CHECK(contains(html, "lacuna eval --images &#39;a&lt;b&#39;"));
  CHECK(contains(html, "&lt;second&gt; &amp; &quot;co&quot;"));
  CHECK(count_of(html, "</script>") == 2);
  CHECK(contains(html, "better on 5 of 5 pictures"));
  CHECK(contains(html, "Its fills have 25 % of the originals' texture"));
  CHECK(count_of(html, "class=\"scatter\"") == 4);
  CHECK(count_of(html, "<figcaption>gradient_gan</figcaption>") == 1);

  // Worst: p4, p3; best: p0, p1. Every embedded picture is one.
  const size_t worst = html.find("<h2>Worst fills"), best = html.find("<h2>Best fills");
  CHECK(worst < html.find("<h3>p4&lt;"));
  CHECK(html.find("<h3>p4&lt;") < html.find("<h3>p3&lt;"));
  CHECK(html.find("<h3>p3&lt;") < best);
  CHECK(best < html.find("<h3>p0&lt;"));
  CHECK(html.find("<h3>p0&lt;") < html.find("<h3>p1&lt;"));
  CHECK_FALSE(contains(html, "<h3>p2&lt;"));
  const std::string start = "src=\"data:image/jpeg;base64,";
  CHECK(count_of(html, start) == 4 * 4);
  const size_t file = html.find(start) + start.size();
  const Image shown = decode_image(bytes_of(html.substr(file, html.find('"', file) - file)), "embedded");
  CHECK(shown.height == 8);
  CHECK(shown.samples[5] == 99);
}

TEST_CASE("report: one method, no holes, no training") {
  Evaluation evaluation;
  evaluation.methods = {{"only", {{{"psnr", 30}, {"ssim", 1}}}}};
  evaluation.originals.pictures = {{{"tv", 3}}};
  evaluation.pictures = {"p"};
  const ReportPictures pictures(1, 6);
  const std::string html = report_html({evaluation, pictures, {}, {}});
  check_nesting(html);
  CHECK(contains(html, "Holes in 1 picture, filled by only"));
  for (const std::string absent : {"Picture by picture", "Worst fills", "How the model was trained", "nan"}) {
    CHECK_FALSE(contains(html, absent));
  }
  CHECK(test::error_of([&] {
          report_html({Evaluation{}, pictures, {}, {}});
        }).starts_with("[report] nothing was measured"));
}

TEST_CASE("report: of many pictures some are embedded, and of few each is best or worst once") {
  const Made many(401, 3);
  CHECK(many.pictures.small().size() == 134);
  CHECK(many.pictures.worst()[0].index == 400);
  CHECK(many.pictures.best()[2].index == 2);
  const Made few(3, 6);
  CHECK(few.pictures.worst().size() == 2);
  REQUIRE(few.pictures.best().size() == 1);
  CHECK(few.pictures.best()[0].index == 0);
  CHECK(Made(4, 0).pictures.worst().empty());
}

TEST_CASE("report: the table as Markdown") {
  const std::string table = figures_markdown(Made(2, 1).evaluation);
  CHECK(contains(table, "| first | 1.50 | **20.00** | **30.00** | - | **0.500** | **1.00** |"));
  CHECK(contains(table, "| the originals | | | | | | 4.00 |"));
}

}  // namespace lacuna
