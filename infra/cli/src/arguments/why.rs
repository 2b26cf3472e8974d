//! The arguments of `studio why`.

use clap::Args;
use contract::Identifier;
use operations::About;

#[derive(Debug, Args)]
pub struct WhyArguments {
    /// The tenant, written as its events have it.
    #[arg(value_parser = Identifier::parse)]
    pub tenant: Identifier,
    /// What to explain.
    #[arg(value_name = "WHAT")]
    pub about: Option<About>,
    /// The source of the event, as its `source` says. Without it, the sources that the tenant's
    /// events had are tried.
    #[arg(long)]
    pub source: Option<String>,
}
