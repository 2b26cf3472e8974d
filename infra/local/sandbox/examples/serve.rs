//! Serves the sandbox for programs that are not ours, until its standard input ends: the vendors' own
//! SDKs are tried on it (`tests/vendors`).
//!
//! It prints the vendors' addresses as JSON. Then each line of its input has it answer every request
//! that creates something as a vendor refuses it, such as `runway Billing`, or answer as ever, `heal`;
//! a line `done` says that it does so. `none` says that the vendor never answers for that reason.

use std::{error::Error, io::stdin};

use fault_proxy::Occurrence;
use vendor_sandbox::{Refusal, Sandbox, Script, Vendor, refusal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    println!("{}", sandbox.settings());
    for line in stdin().lines() {
        sandbox.heal();
        println!("{}", asked(&sandbox, &line?)?);
    }
    Ok(())
}

/// Does what a line asks for.
fn asked(sandbox: &Sandbox, line: &str) -> Result<&'static str, String> {
    let Some((vendor, why)) = line.split_once(' ') else {
        return Ok("done");
    };
    let vendor = Vendor::ALL.into_iter().find(|it| it.as_str() == vendor);
    let why = Refusal::ALL.into_iter().find(|it| format!("{it:?}") == why);
    let (Some(vendor), Some(why)) = (vendor, why) else {
        return Err(format!("`{line}` names no vendor and refusal"));
    };
    let Some(behaviour) = refusal(vendor, why) else {
        return Ok("none");
    };
    sandbox.script(Script::posts(vendor, Occurrence::Every, behaviour));
    Ok("done")
}
