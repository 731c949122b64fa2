#pragma once

namespace ufvideo {

/// Sets ORT_DISABLE_TELEMETRY=1 in this process. Called before ONNX Runtime is opened: from 1.32 on
/// it reads the variable when it starts, and without it reports to its vendor and writes a device
/// id into the user's cache folder.
void turn_off_telemetry();

}  // namespace ufvideo
