//! The law of `tests/laws/config.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sprint_runner_fuzz::hold("config", data));
