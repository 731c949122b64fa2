// A provider built for libraries that have what no library has.
extern "C" int nobody_has_this();
extern "C" __attribute__((visibility("default"))) int answer() { return nobody_has_this(); }
