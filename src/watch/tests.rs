//! The watcher over a real hub.
