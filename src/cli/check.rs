//! stub
use super::place::Place;
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    json: bool,
}
pub(crate) fn run(place: &Place, args: &Args) -> anyhow::Result<u8> { let _ = (place, args.json); Ok(0) }
