//! The functions' environment variables, for a function that runs outside the emulator.

use aws_sdk_lambda::error::DisplayErrorContext;

use crate::checkout::Checkout;
use crate::deploy::Outputs;
use crate::emulator::{REGION, ROOT};
use crate::stack::Stack;

/// The functions' configuration cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the functions' configuration cannot be read: {0}")]
pub struct Error(String);

/// The variables of all functions of `stack`, sorted by name. No two functions have different
/// values for the same variable.
pub async fn environment(
    stack: &Stack,
    checkout: &Checkout,
) -> Result<Vec<(String, String)>, Error> {
    let (key, secret) = ROOT;
    let mut variables = vec![
        (
            "AWS_ENDPOINT_URL".to_owned(),
            format!("http://{}", stack.proxy.address()),
        ),
        ("AWS_REGION".to_owned(), REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID".to_owned(), key.to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), secret.to_owned()),
        // In a deployment, the fonts are next to the bootstrap.
        (
            "FONTS_FOLDER".to_owned(),
            checkout.fonts().display().to_string(),
        ),
    ];
    let consumers = stack.mappings.iter().map(|mapping| &mapping.function);
    let Outputs {
        completion_function_name,
        operator_function_name,
        ..
    } = &stack.outputs;
    for function in consumers.chain([completion_function_name, operator_function_name]) {
        let configuration = stack
            .clients
            .lambda
            .get_function_configuration()
            .function_name(function)
            .send()
            .await;
        let configuration =
            configuration.map_err(|error| Error(DisplayErrorContext(error).to_string()))?;
        variables.extend(
            configuration
                .environment
                .and_then(|environment| environment.variables)
                .unwrap_or_default(),
        );
    }
    variables.sort();
    variables.dedup();
    Ok(variables)
}
