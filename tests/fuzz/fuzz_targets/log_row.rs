//! The law of `tests/laws/log_row.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sprint_runner_fuzz::hold("log_row", data));
