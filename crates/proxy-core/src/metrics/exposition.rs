//! The two forms in which the metrics are written: Prometheus's own text and `OpenMetrics`.
//!
//! The library writes `OpenMetrics`. The older text differs in what stands before the samples: there the names of types are
//! those of samples, and there are no units and no end.
//!
//! Sources: Prometheus, "Exposition formats" and "Content negotiation"; `OpenMetrics` 1.0.

use std::fmt::{self, Write as _};

use http::HeaderMap;
use http::header::ACCEPT;

/// A form of the metrics.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exposition {
    /// Prometheus's text format, version 0.0.4: what everybody gets who does not prefer the other one.
    Text,
    /// `OpenMetrics`, version 1.0.0: for those that name it, as Prometheus does.
    OpenMetrics,
}

impl Exposition {
    /// The one that the client prefers of those that it names; between equals, the one it names first.
    #[must_use]
    pub fn choose(headers: &HeaderMap) -> Self {
        let values = headers
            .get_all(ACCEPT)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        let mut best = (Self::Text, 0.0);
        for range in values.flat_map(|value| value.split(',')) {
            if let Some((form, weight)) = Self::of_range(range)
                && weight > best.1
            {
                best = (form, weight);
            }
        }
        best.0
    }

    /// The form that a media range names, and how much it is wanted.
    fn of_range(range: &str) -> Option<(Self, f32)> {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next()?.to_ascii_lowercase();
        let (form, versions) = match kind.as_str() {
            "text/plain" => (Self::Text, ["0.0.4", "0.0.4"]),
            // 0.0.1 is the draft of 1.0.0.
            "application/openmetrics-text" => (Self::OpenMetrics, ["1.0.0", "0.0.1"]),
            _ => return None,
        };
        let mut weight = 1.0;
        for part in parts {
            match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some((name, value)) if name.eq_ignore_ascii_case("q") => weight = value.parse().ok()?,
                Some(("version", value)) if !versions.contains(&value.trim_matches('"')) => return None,
                _ => {}
            }
        }
        Some((form, weight))
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Writes what is given as `OpenMetrics` in this form.
    ///
    /// # Errors
    ///
    /// Never: writing to a `String` cannot fail.
    pub(super) fn write(self, open_metrics: String) -> Result<String, fmt::Error> {
        match self {
            Self::Text => text(&open_metrics),
            Self::OpenMetrics => Ok(open_metrics),
        }
    }
}

fn text(open_metrics: &str) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some((_, kept)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            // Behind the name that the type decides on.
            help = kept;
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            writeln!(text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}")?;
        } else if !line.starts_with('#') {
            writeln!(text, "{line}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &[&str], want: Exposition) {
        let headers = accept.iter().map(|value| (ACCEPT, value.parse().unwrap())).collect();
        assert_eq!(Exposition::choose(&headers), want, "{accept:?}");
    }

    #[test]
    fn whoever_names_no_form_gets_text() {
        for accept in [
            &[][..],
            &["*/*"],
            &["text/*"],
            &["application/json"],
            &["text/html, */*;q=0.1"],
            &[""],
        ] {
            check(accept, Exposition::Text);
        }
    }

    #[test]
    fn prometheus_gets_what_it_prefers() {
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        check(&[prometheus_2], Exposition::OpenMetrics);
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        check(&[prometheus_3], Exposition::OpenMetrics);
        let by_protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
                           text/plain;version=0.0.4;q=0.3";
        check(&[by_protobuf], Exposition::Text);
    }

    #[test]
    fn weights_and_versions_decide() {
        check(&["text/plain"], Exposition::Text);
        check(&["application/openmetrics-text"], Exposition::OpenMetrics);
        check(
            &["Application/OpenMetrics-Text; version=\"1.0.0\"; q=0.2"],
            Exposition::OpenMetrics,
        );
        check(
            &["application/openmetrics-text;q=0.2, text/plain;q=0.3"],
            Exposition::Text,
        );
        check(
            &["application/openmetrics-text;q=0.2", "text/plain;q=0.1"],
            Exposition::OpenMetrics,
        );
        check(&["text/plain, application/openmetrics-text"], Exposition::Text);
        check(&["application/openmetrics-text;version=2.0.0"], Exposition::Text);
        check(&["application/openmetrics-text;q=0"], Exposition::Text);
        check(&["application/openmetrics-text;q=x"], Exposition::Text);
    }

    #[test]
    fn text_has_the_names_of_samples_and_no_end() {
        let open_metrics = "# HELP a_requests Requests, all.\n# TYPE a_requests counter\na_requests_total{b=\"# c\"} 1\n\
                            # HELP a_build What.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n\
                            # HELP a_b_seconds S.\n# TYPE a_b_seconds histogram\n# UNIT a_b_seconds seconds\n\
                            a_b_seconds_sum 1.0\na_b_seconds_count 1\na_b_seconds_bucket{le=\"+Inf\"} 1\n# EOF\n";
        let want = "# HELP a_requests_total Requests, all.\n# TYPE a_requests_total counter\na_requests_total{b=\"# c\"} 1\n\
                    # HELP a_build_info What.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n\
                    # HELP a_b_seconds S.\n# TYPE a_b_seconds histogram\n\
                    a_b_seconds_sum 1.0\na_b_seconds_count 1\na_b_seconds_bucket{le=\"+Inf\"} 1\n";
        assert_eq!(Exposition::Text.write(open_metrics.to_owned()).unwrap(), want);
        assert_eq!(
            Exposition::OpenMetrics.write(open_metrics.to_owned()).unwrap(),
            open_metrics
        );
    }
}
