//! Runs a sandbox until it is interrupted and shows what it judges: `cargo run -p sandbox --example serve`.

#![expect(clippy::print_stdout, reason = "an example prints for its user")]

use std::time::Duration;

use sandbox::{Outcome, Sandbox, SandboxSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = SandboxSettings {
        stream_pause: Duration::from_millis(300),
        ..SandboxSettings::default()
    };
    let sandbox = Sandbox::start(settings).await?;
    let mut events = sandbox.events();
    for service in ["s3", "sts", "imds", "ec2", "workspaces", "bedrock-runtime", "dynamodb"] {
        if let Some(address) = sandbox.service(service) {
            println!("{service} http://{address}");
        }
    }
    for user in Sandbox::users() {
        println!("{} {} {}", user.name, user.access_key_id, user.secret_access_key);
    }
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            Some(event) = events.next() => {
                let outcome = match &event.outcome {
                    Outcome::Accepted => "accepted".to_owned(),
                    Outcome::Rejected { code, why, .. } => format!("rejected: {code}: {why}"),
                };
                println!("{} {} {} {outcome}", event.service, event.method, event.path);
            }
        }
    }
    sandbox.stop().await;
    Ok(())
}
