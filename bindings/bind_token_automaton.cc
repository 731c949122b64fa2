#include <tuple>

#include "arrays.h"
#include "module.h"
#include "ufvideo/token_automaton.h"

namespace ufvideo::bindings {
namespace {

using Edge = std::tuple<std::int64_t, std::int64_t, std::int64_t>;

TokenState token_state(const std::vector<Edge>& edges, bool is_end) {
  TokenState state;
  state.is_end = is_end;
  for (const auto& [first_id, last_id, next_state] : edges) {
    state.edges.push_back({{first_id, last_id}, next_state});
  }
  return state;
}

}  // namespace

void bind_token_automaton(py::module_& module) {
  py::class_<TokenState>(module, "TokenState", "A place within an answer.")
      .def(py::init(&token_state), py::arg("edges"), py::kw_only(), py::arg("is_end") = false,
           "edges: (first id, last id, next state) each; is_end: the answer may end here.")
      .def_readonly("is_end", &TokenState::is_end);
  py::class_<TokenAutomaton, std::shared_ptr<TokenAutomaton>>(module, "TokenAutomaton",
                                                              "Which answers are allowed.")
      .def(py::init<std::vector<TokenState>, std::int64_t, std::vector<std::int64_t>>(),
           py::arg("states"), py::kw_only(), py::arg("vocab_size"), py::arg("end_ids"),
           "An answer begins in state 0.\n\n"
           "Raises InputError when an id is outside the vocabulary or an end token, ranges of a "
           "state overlap, an edge leads to no state, or a state reaches no end.")
      .def_property_readonly("longest", &TokenAutomaton::longest,
                             "Tokens of the longest answer without the end token; None: no bound.");
}

}  // namespace ufvideo::bindings
