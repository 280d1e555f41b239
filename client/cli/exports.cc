#include "client/cli/exports.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>

#include "client/exports/archive.h"
#include "ledger/keys/key_file.h"

namespace anamnesis::cli {
namespace {

constexpr char kPdfProgram[] = "weasyprint";

// More gaps than a person reads in a terminal; the export has them all.
constexpr size_t kGapsShownMax = 12;

// What a program printed that says why it failed.
constexpr size_t kSaidMax = 2000;

// Reads to the end of what `from` holds, and closes it; keeps the last part.
std::string ReadToEnd(int from) {
  std::string said;
  std::array<char, 4096> part;
  for (ssize_t size = 0; (size = ::read(from, part.data(), part.size())) > 0 || (size < 0 && errno == EINTR);) {
    if (size > 0) said.append(part.data(), static_cast<size_t>(size));
    if (said.size() > kSaidMax) said.erase(0, said.size() - kSaidMax);
  }
  ::close(from);
  return said;
}

// index.html as PDF, beside the export and no part of it: two programs don't print the same bytes. UNAVAILABLE: the
// program isn't installed; INTERNAL: it failed, with what it printed.
Status PrintPdf(const std::string& dir, const std::string& path) {
  std::string program = kPdfProgram;
  std::string html = dir + "/index.html";
  std::string pdf = path;
  char* const arguments[] = {program.data(), html.data(), pdf.data(), nullptr};
  std::array<int, 2> printed = {};
  if (::pipe2(printed.data(), O_CLOEXEC) != 0) return absl::InternalError("no pipe could be made");
  pid_t process = 0;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_adddup2(&actions, printed[1], stream);
  const int error = ::posix_spawnp(&process, kPdfProgram, &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(printed[1]);
  const std::string said = ReadToEnd(printed[0]);
  if (error == ENOENT) return absl::UnavailableError("weasyprint is not installed (apt install weasyprint)");
  int status = 0;
  if (error != 0 || ::waitpid(process, &status, 0) != process || status != 0) {
    return absl::InternalError(Text(kPdfProgram, " failed for ", html, said.empty() ? "" : Text(":\n", said)));
  }
  return OkStatus();
}

size_t GapCount(const exports::Document& document) {
  size_t gaps = 0;
  for (const exports::Section& section : document.sections) gaps += section.gaps.size();
  return gaps;
}

void PrintGaps(const exports::Document& document) {
  size_t shown = 0;
  const size_t gaps = GapCount(document);
  if (gaps > 0) std::cout << "missing, " << gaps << " gaps:\n";
  for (const exports::Section& section : document.sections) {
    for (const exports::Gap& gap : section.gaps) {
      if (shown++ < kGapsShownMax)
        std::cout << "  " << Bad(section.title) << "  [" << gap.clause << "] " << gap.text << "\n";
    }
  }
  if (gaps > kGapsShownMax) std::cout << "  and " << gaps - kGapsShownMax << " more: see index.html\n";
}

}  // namespace

void AddExportOptions(CLI::App& verb, ExportOptions& options) {
  verb.add_option("--out", options.out, "a new directory for the export")->required();
  AddKeyOption(verb, options.common);
  verb.add_option("--known-size", options.known_size, "as known over the first N events; default: all");
  verb.add_flag("--archive", options.archive, "also OUT.tar, the same files in one");
  verb.add_flag("--pdf", options.pdf, "also OUT.pdf, where weasyprint is installed; no part of what is signed");
  AddLedgerOption(verb, options.common);
  AddConsistencyOptions(verb, options.common);
  AddJsonOption(verb, options.common);
}

StatusOr<ExitStatus> FinishExport(const ExportOptions& options, const exports::LedgerView& view,
                                  exports::ExportWriter& writer, exports::Document document) {
  ASSIGN_OR_RETURN(const NamedKey signer, ReadKeyFile(options.common.key_file));
  RETURN_IF_ERROR(writer.Finish(view, document, {}, signer));
  if (options.archive) RETURN_IF_ERROR(exports::PackArchive(options.out, options.out + ".tar"));
  const std::string pdf = options.out + ".pdf";
  // The export is whole without it.
  const Status printing = options.pdf ? PrintPdf(options.out, pdf) : OkStatus();
  const bool printed = options.pdf && printing.ok();
  if (!printing.ok()) std::cerr << "no PDF: " << MessageOf(printing) << "\n";
  const exports::Manifest& manifest = writer.manifest();
  if (options.common.json) {
    std::cout << "{\"directory\": " << Quoted(options.out) << ", \"kind\": " << Quoted(manifest.kind)
              << ", \"subject\": " << Quoted(manifest.subject) << ", \"origin\": " << Quoted(manifest.origin)
              << ", \"treeSize\": " << manifest.tree_size << ", \"records\": " << document.records.size()
              << ", \"gaps\": " << GapCount(document) << ", \"files\": " << manifest.files.size() + 2
              << ", \"contentSha256\": \"" << manifest.content_sha256.hex()
              << "\", \"archive\": " << (options.archive ? Quoted(options.out + ".tar") : "null")
              << ", \"pdf\": " << (printed ? Quoted(pdf) : "null") << "}\n";
    return kDone;
  }
  std::cout << Bold(document.title) << "\n"
            << document.records.size() << " records over the first " << manifest.tree_size << " events of "
            << manifest.origin << ", " << manifest.files.size() + 2 << " files in " << options.out << "\n";
  if (options.archive) std::cout << "the same in one file: " << options.out << ".tar\n";
  if (printed) std::cout << "to print: " << pdf << "\n";
  PrintGaps(document);
  std::cout << "content sha256:" << manifest.content_sha256.hex() << ", the same in index.html and export.json\n"
            << "check it: anamnesis verify " << options.out << " --key VERIFIER-KEY\n";
  return kDone;
}

}  // namespace anamnesis::cli
