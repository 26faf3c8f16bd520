#pragma once

namespace lacuna {

/// What stands in every report's page as it is: its style and what it does when it is pointed at.
extern const char* const report_style;
extern const char* const report_script;

}  // namespace lacuna
