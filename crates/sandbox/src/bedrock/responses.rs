//! What the stand-in's "model" says: it repeats the prompt, word by word.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::eventstream::event;

/// Words repeated at most, so that a response stays small whatever was requested.
const MAX_WORDS: usize = 64;

/// The last text of the request, in the shape of the Messages API, of Converse, or of the older models.
pub(crate) fn prompt(request: &Value) -> String {
    let content = request
        .get("messages")
        .and_then(Value::as_array)
        .and_then(|messages| messages.last())
        .and_then(|message| message.get("content"));
    let text = match content {
        Some(Value::String(text)) => Some(text.as_str()),
        Some(Value::Array(blocks)) => blocks
            .iter()
            .find_map(|block| block.get("text"))
            .and_then(Value::as_str),
        _ => ["prompt", "inputText"]
            .iter()
            .find_map(|name| request.get(name))
            .and_then(Value::as_str),
    };
    text.unwrap_or("nothing").to_owned()
}

/// The response in the pieces in which it is streamed: at least three.
pub(crate) fn words(model: &str, prompt: &str) -> Vec<String> {
    let mut words = vec!["The".to_owned(), " sandbox's".to_owned(), format!(" {model} heard:")];
    words.extend(prompt.split_whitespace().take(MAX_WORDS).map(|word| format!(" {word}")));
    words
}

/// The response of `InvokeModel`, in the shape of the Messages API.
pub(crate) fn message(model: &str, words: &[String]) -> Value {
    json!({
        "id": "msg_sandbox",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{ "type": "text", "text": words.concat() }],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": { "input_tokens": words.len(), "output_tokens": words.len() },
    })
}

/// The response of `Converse`.
pub(crate) fn stream(words: &[String]) -> Value {
    json!({
        "output": { "message": { "role": "assistant", "content": [{ "text": words.concat() }] } },
        "stopReason": "end_turn",
        "usage": usage(words),
        "metrics": { "latencyMs": 1 },
    })
}

/// The frames of `InvokeModelWithResponseStream`: each holds a piece of the model's own stream in base64.
pub(crate) fn invoke_frames(model: &str, words: &[String]) -> Vec<Bytes> {
    let start = json!({ "type": "message_start", "message": { "id": "msg_sandbox", "type": "message", "role": "assistant", "model": model, "content": [] } });
    let deltas = words.iter().map(
        |word| json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": word } }),
    );
    std::iter::once(start)
        .chain(deltas)
        .chain([json!({ "type": "message_stop" })])
        .map(|piece| {
            event(
                "chunk",
                json!({ "bytes": STANDARD.encode(piece.to_string()) })
                    .to_string()
                    .as_bytes(),
            )
        })
        .collect()
}

/// The frames of `ConverseStream`.
pub(crate) fn turn_frames(words: &[String]) -> Vec<Bytes> {
    let mut events = vec![("messageStart", json!({ "role": "assistant" }))];
    events.extend(words.iter().map(|word| {
        (
            "contentBlockDelta",
            json!({ "contentBlockIndex": 0, "delta": { "text": word } }),
        )
    }));
    events.push(("contentBlockStop", json!({ "contentBlockIndex": 0 })));
    events.push(("messageStop", json!({ "stopReason": "end_turn" })));
    events.push((
        "metadata",
        json!({ "usage": usage(words), "metrics": { "latencyMs": 1 } }),
    ));
    events
        .into_iter()
        .map(|(event_type, payload)| event(event_type, payload.to_string().as_bytes()))
        .collect()
}

fn usage(words: &[String]) -> Value {
    json!({ "inputTokens": words.len(), "outputTokens": words.len(), "totalTokens": 2 * words.len() })
}
