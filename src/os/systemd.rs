//! The service manager: readiness, status, reload and watchdog.
