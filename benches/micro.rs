//! Single parts, without a server around them: `cargo bench --bench micro`.
fn main() {
    divan::main();
}
