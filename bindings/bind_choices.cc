#include <utility>

#include "arrays.h"
#include "module.h"
#include "ufvideo/choices.h"

namespace ufvideo::bindings {

void bind_choices(py::module_& module) {
  py::class_<ChoiceTree, std::shared_ptr<ChoiceTree>>(
      module, "ChoiceTree", "Texts of which an answer is one, by the tokens of their spellings.")
      .def(py::init([](std::vector<std::pair<std::int64_t, std::vector<std::int64_t>>> spellings,
                       std::int64_t vocab_size, const std::vector<std::int64_t>& end_ids) {
             std::vector<ChoiceSpelling> given;
             for (auto& [choice, token_ids] : spellings) {
               given.push_back({std::move(token_ids), choice});
             }
             return std::make_shared<ChoiceTree>(std::move(given), vocab_size, end_ids);
           }),
           py::arg("spellings"), py::kw_only(), py::arg("vocab_size"), py::arg("end_ids"),
           "spellings: (choice, token ids) each; a choice may have several.\n\n"
           "Raises InputError when a spelling is empty or comes twice, an id is outside the "
           "vocabulary or an end token, or a choice has no spelling.")
      .def_property_readonly("longest", &ChoiceTree::longest,
                             "Tokens within which every choice can be written.");
}

}  // namespace ufvideo::bindings
