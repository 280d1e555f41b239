#include <iostream>

#include "client/cli/context.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis::cli {
namespace {

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) text += Text(text.empty() ? "" : separator, part);
  return text;
}

void PrintFields(const google::protobuf::Descriptor& message, const std::string& indent) {
  for (int i = 0; i < message.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *message.field(i);
    const v1::FieldRule& rule = field.options().GetExtension(v1::rule);
    std::string text = Text(indent, field.json_name(), field.is_repeated() ? "[]" : "", rule.required() ? " *" : "");
    if (field.enum_type() != nullptr) {
      text += ": ";
      for (int v = 1; v < field.enum_type()->value_count(); ++v) {
        text += Text(v > 1 ? " | " : "", field.enum_type()->value(v)->name());
      }
    } else if (rule.format() != v1::FIELD_FORMAT_UNSPECIFIED) {
      text += Text(": ", v1::FieldFormat_Name(rule.format()));
    }
    std::cout << text << "\n";
    if (field.message_type() != nullptr) PrintFields(*field.message_type(), indent + "  ");
  }
}

void PrintType(const EventType& type) {
  const v1::EventTypeOptions& options = *type.options;
  std::cout << Bold(type.name()) << "  " << Dim(Joined(options.clauses(), "; ")) << "\n";
  for (const v1::ReferenceRule& rule : options.refs()) {
    std::cout << "  --ref " << rule.role() << "=" << Joined(rule.kinds(), "|") << ":ID"
              << (rule.version_required() ? "@VERSION" : "") << (rule.min() > 0 ? " *" : "")
              << (rule.max() == 1 ? "" : " (repeatable)") << "\n";
  }
  if (options.rationale_required()) std::cout << "  --rationale *\n";
  PrintFields(*type.body, "  body ");
}

}  // namespace

void AddTypes(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  CLI::App& verb = *app.add_subcommand("types", "the event types: references, fields (* required) and clauses");
  verb.footer("Example: anamnesis types artifact.activated");
  verb.add_option("TYPE", *name, "only this type");
  SetAction(verb, [name]() -> StatusOr<ExitStatus> {
    bool found = false;
    for (const EventType* type : Vocabulary::Get().All()) {
      if (!name->empty() && type->name() != *name) continue;
      PrintType(*type);
      found = true;
    }
    if (!found) {
      return absl::InvalidArgumentError(
          Text("TYPE: \"", *name, "\" is not an event type; `anamnesis types` lists them"));
    }
    return kDone;
  });
}

}  // namespace anamnesis::cli
