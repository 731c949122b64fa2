#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace ufvideo::bindings {

/// Reads one setting from a Python value of exactly that kind: a bool is no integer, a list no
/// tuple, nothing is rounded. Throws InvalidConfig naming the field, what was expected and what
/// came. Integers are checked against integer_bounds() here, before they are narrowed; validate()
/// checks all other bounds.
void read_setting(pybind11::handle value, const std::string& field, bool& setting);
void read_setting(pybind11::handle value, const std::string& field, int& setting);
void read_setting(pybind11::handle value, const std::string& field, std::uint64_t& setting);
void read_setting(pybind11::handle value, const std::string& field, double& setting);
void read_setting(pybind11::handle value, const std::string& field, std::string& setting);
void read_setting(pybind11::handle value, const std::string& field, std::filesystem::path& setting);
void read_setting(pybind11::handle value, const std::string& field,
                  std::vector<std::string>& setting);

/// The items of a mapping whose keys are texts.
std::map<std::string, pybind11::object> setting_items(pybind11::handle value,
                                                      const std::string& field);

template <typename Value>
void read_setting(pybind11::handle value, const std::string& field, std::optional<Value>& setting) {
  if (value.is_none()) {
    setting.reset();
  } else {
    read_setting(value, field, setting.emplace());
  }
}

template <typename Value>
void read_setting(pybind11::handle value, const std::string& field,
                  std::map<std::string, Value>& setting) {
  setting.clear();
  for (const auto& [key, item] : setting_items(value, field)) {
    read_setting(item, field + "[\"" + key + "\"]", setting[key]);
  }
}

/// Binds a struct of settings with a `validate()`: one keyword argument and one read-only property
/// for each field, so that a new field is one more line.
template <typename Settings>
class SettingsClass {
 public:
  SettingsClass(pybind11::module_& module, const char* name, const char* doc)
      : class_(module, name, doc) {}

  template <typename Value>
  SettingsClass& field(const char* name, Value Settings::* member) {
    class_.def_readonly(name, member);
    readers_->emplace(name, [name, member](pybind11::handle value, Settings& settings) {
      read_setting(value, name, settings.*member);
    });
    return *this;
  }

  /// Call once all fields are named.
  pybind11::class_<Settings>& finish() {
    class_.def(pybind11::init([readers = readers_](const pybind11::kwargs& given) {
                 Settings settings;
                 for (const auto& [key, value] : given) {
                   const auto name = key.template cast<std::string>();
                   const auto reader = readers->find(name);
                   if (reader == readers->end()) {
                     throw pybind11::type_error("unexpected keyword argument '" + name + "'");
                   }
                   reader->second(value, settings);
                 }
                 settings.validate();
                 return settings;
               }),
               "One keyword argument for each property; what is left out keeps its default.\n\n"
               "Raises ConfigError naming the field, the value and what is allowed.");
    return class_;
  }

 private:
  using Reader = std::function<void(pybind11::handle value, Settings& settings)>;

  pybind11::class_<Settings> class_;
  std::shared_ptr<std::map<std::string, Reader>> readers_ =
      std::make_shared<std::map<std::string, Reader>>();
};

}  // namespace ufvideo::bindings
