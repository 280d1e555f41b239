#ifndef ANAMNESIS_CLIENT_EXPORTS_README_H_
#define ANAMNESIS_CLIENT_EXPORTS_README_H_

#include <string>
#include <string_view>

namespace anamnesis::exports {

// README.txt of an export: what the files are and how to check them without us.
std::string ReadmeText(std::string_view origin);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_README_H_
