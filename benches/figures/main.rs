//! Every figure of the server beside those of its peers, as one table. Run by `benches/run.sh`.

mod feed;
mod http;
mod load;
mod machine;
mod nats;
mod ours;
mod peers;
mod process;
mod rows;
mod table;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use rows::{Bench, ROWS};

/// What `benches/run.sh` is asked for.
// Each of them is a switch on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Parser)]
#[command(name = "benches/run.sh", about = "Measures the server beside its peers")]
struct Args {
    /// Only these rows; without one all of them
    #[arg(value_name = "ROW")]
    rows: Vec<String>,
    /// A small version of everything in less than three minutes: to see that it works
    #[arg(long)]
    quick: bool,
    /// Ten million stored events too: takes minutes and some gigabytes
    #[arg(long)]
    huge: bool,
    /// How often each figure is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Appends each figure to this file as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Names the rows
    #[arg(long)]
    list: bool,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if args.list {
        for row in ROWS {
            println!("{:10} {}", row.name, row.about);
        }
        return Ok(());
    }
    for name in &args.rows {
        ensure!(ROWS.iter().any(|row| row.name == name), "no row is called {name}; see --list");
    }
    let scratch = std::env::var_os("BENCH_SCRATCH").map(PathBuf::from);
    let scratch = scratch.context("run me by benches/run.sh, which ends what I leave behind")?;
    fs::create_dir_all(scratch.join("pids"))?;
    let rounds = if args.quick { 1 } else { usize::from(args.rounds) };
    let mut bench = Bench::new(scratch, args.quick, args.huge, rounds);
    let wanted = |row: &rows::Row| {
        let named = args.rows.iter().any(|name| name == row.name);
        named || args.rows.is_empty() && !row.by_name
    };
    for row in ROWS.iter().filter(|row| wanted(row)) {
        eprintln!("{}: {}", row.name, row.about);
        // One row that cannot be measured does not take the others along.
        if let Err(error) = (row.measure)(&mut bench) {
            bench.left_out.push(format!("{}: it went wrong: {error:#}", row.name));
        }
    }
    println!("{}", about(&bench));
    println!("{}", table::markdown(&bench.figures, &bench.left_out));
    if let Some(path) = args.json {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
        for figure in &bench.figures {
            writeln!(file, "{}", figure.json())?;
        }
        for what in &bench.left_out {
            writeln!(file, "{}", serde_json::json!({ "left_out": what }))?;
        }
    }
    let wrong = bench.left_out.iter().filter(|what| what.contains("it went wrong")).count();
    ensure!(wrong == 0, "{wrong} rows could not be measured");
    Ok(())
}

/// On what it was measured: absolute figures mean nothing without it.
fn about(bench: &Bench) -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let size = if bench.quick { "quick: too small to judge by" } else { "full size" };
    let rounds = bench.rounds;
    format!("{cores} cores, load {load}; median of {rounds}; {size}\n")
}
