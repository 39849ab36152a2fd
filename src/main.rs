//! The program `courant`; everything it does is in the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    courant::ops::cli::main().await
}
