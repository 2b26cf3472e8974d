//! OpenAI Images. Source: the vendor's SDK 3.54.0 (request and response types, the size rule in the
//! doc comment of `size`); error bodies from its documentation.

use serde_json::{Value, json};

use super::exchange::{Asked, Reply};
use super::script::Behaviour;

const MODELS: [&str; 5] = [
    "gpt-image-2",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-flare",
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
];

/// Answers a request to OpenAI.
pub(super) fn answer(asked: &Asked<'_>) -> Reply {
    let key = asked
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .or(asked.header("api-key"));
    if key.is_none_or(str::is_empty) {
        return error(
            401,
            "invalid_request_error",
            "invalid_api_key",
            "Incorrect API key provided.",
        );
    }
    if asked.method != "POST" || !asked.path.ends_with("/images/generations") {
        return error(
            404,
            "invalid_request_error",
            "unknown_url",
            "Unknown request URL.",
        );
    }
    let mut said = generate(&asked.json());
    if let Some(Behaviour::OutputBreaks { bytes }) = asked.behaviour {
        said.body.truncate(*bytes);
        said.breaks = true;
    }
    said
}

/// Generates a picture.
fn generate(body: &Value) -> Reply {
    let invalid = |message| error(400, "invalid_request_error", "invalid_value", message);
    let model = body["model"].as_str().unwrap_or_default();
    if !MODELS.contains(&model) {
        let message =
            format!("The model '{model}' does not exist or you do not have access to it.");
        return error(404, "invalid_request_error", "model_not_found", &message);
    }
    let prompt = body["prompt"].as_str().unwrap_or_default();
    if prompt.is_empty() || prompt.chars().count() > 32_000 {
        return invalid("Invalid value for 'prompt'.");
    }
    let quality = body["quality"].as_str().unwrap_or("auto");
    if !["low", "medium", "high", "auto"].contains(&quality) {
        return invalid("Invalid value for 'quality'.");
    }
    let count = usize::try_from(body["n"].as_u64().unwrap_or(1)).unwrap_or(0);
    if !(1..=10).contains(&count) {
        return invalid("Invalid value for 'n'.");
    }
    let size = body["size"].as_str().and_then(|size| size.split_once('x'));
    let size = size.and_then(|(width, height)| {
        Some((width.parse::<u32>().ok()?, height.parse::<u32>().ok()?))
    });
    let Some((width, height)) = size.filter(|size| is_taken(*size)) else {
        return invalid("Invalid value for 'size'.");
    };
    let mut said = Reply::json(
        200,
        &json!({
            "created": 1_795_000_000,
            "background": "opaque", "output_format": "png", "quality": quality, "size": body["size"],
            "data": vec![json!({ "b64_json": base64_simd::STANDARD.encode_to_string(picture(width, height)) }); count],
            "usage": { "input_tokens": 80, "output_tokens": 1500, "total_tokens": 1580,
                       "input_tokens_details": { "text_tokens": 80, "image_tokens": 0 } },
        }),
    );
    said.headers
        .push(("x-request-id", "req_sandbox".to_owned()));
    said
}

/// Both sides divisible by 16, at most three to one, from 655,360 to 8,294,400 pixels.
fn is_taken((width, height): (u32, u32)) -> bool {
    width <= 3840
        && height <= 3840
        && width % 16 == 0
        && height % 16 == 0
        && width <= 3 * height
        && height <= 3 * width
        && (655_360..=8_294_400).contains(&(u64::from(width) * u64::from(height)))
}

fn error(status: u16, kind: &str, code: &str, message: &str) -> Reply {
    Reply::json(status, &body(kind, code, message))
}

/// The body of an error.
pub(super) fn body(kind: &str, code: &str, message: &str) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}

/// An evening sky over hills, as a PNG. A person can tell it from the canvas's pictures.
fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        let down = f64::from(y) / f64::from(height);
        for x in 0..width {
            let across = f64::from(x) / f64::from(width);
            let (sun_x, sun_y) = (
                across - 0.68,
                (down - 0.42) * f64::from(height) / f64::from(width),
            );
            let glow = (1.0 - (sun_x * sun_x + sun_y * sun_y).sqrt() * 2.4).max(0.0);
            let hill =
                |base: f64, swing: f64, speed: f64| down > base + swing * (across * speed).sin();
            let color = if hill(0.82, 0.05, 7.0) {
                [24.0, 30.0, 54.0]
            } else if hill(0.7, 0.06, 4.0) {
                [52.0, 48.0, 92.0]
            } else {
                [
                    70.0 + 150.0 * down + 120.0 * glow * glow,
                    60.0 + 70.0 * down + 120.0 * glow * glow,
                    120.0 + 40.0 * glow,
                ]
            };
            pixels.extend(color.map(|channel| channel.clamp(0.0, 255.0) as u8));
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels));
    // Writing to memory cannot fail.
    written.map(|()| bytes).unwrap_or_default()
}
