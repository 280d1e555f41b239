#ifndef ANAMNESIS_TESTS_SUPPORT_PLACES_H_
#define ANAMNESIS_TESTS_SUPPORT_PLACES_H_

// Where the inputs of tests are. One file knows, which CMake writes: were every file told, what one checkout compiled
// would be of no use to another.

#include <string>
#include <string_view>

namespace anamnesis {

extern const char* const kSourceDirectory;
extern const char* const kSharedDirectory;
extern const char* const kProgramDirectory;

// A file of the checkout, by its path in it.
std::string SourcePath(std::string_view path);
// One of third parties' data and vectors, which may not be there.
std::string SharedPath(std::string_view path);
// A program that the build made.
std::string ProgramPath(std::string_view name);

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_PLACES_H_
