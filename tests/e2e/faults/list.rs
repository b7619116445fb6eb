//! The list of faults, as its file has it.

const LIST: &str = include_str!("list.md");

/// What a second one of a request does, should both arrive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Twice {
    /// It reads.
    Nothing,
    /// It leaves what the first one has left.
    TheSame,
    /// Another thing: it must not take effect twice.
    Once,
}

/// How a service is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Over {
    Http,
    Tls,
    Http2,
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) service: &'static str,
    method: &'static str,
    target: &'static str,
    fields: Vec<&'static str>,
    own_body: &'static str,
    pub(super) twice: Twice,
}

/// One fault, and what must become of the request that meets it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) number: usize,
    line: &'static str,
    pub(super) request: Request,
    framing: &'static str,
    pub(super) over: Over,
    pub(super) is_pooled: bool,
    pub(super) keys: &'static str,
    pub(super) fault: &'static str,
    pub(super) is_savable: bool,
    pub(super) comes: usize,
    pub(super) effects: usize,
    /// Status, code if any, and whether it is cut.
    pub(super) client: (u16, Option<&'static str>, bool),
}

/// All rows of the file.
pub(super) fn rows() -> Vec<Row> {
    let requests = table("## Requests");
    let request = |name: &str| {
        let found = requests.iter().find(|cells| cells[0] == name);
        let cells = found.unwrap_or_else(|| panic!("no request {name}"));
        let (method, target) = cells[2].split_once(' ').expect("a method and a target");
        Request {
            service: cells[1],
            method,
            target,
            fields: cells[3].split("; ").filter(|field| !field.is_empty()).collect(),
            own_body: cells[4],
            twice: match cells[5] {
                "nothing" => Twice::Nothing,
                "the same" => Twice::TheSame,
                "once" => Twice::Once,
                other => panic!("twice {other}"),
            },
        }
    };
    let rows = table("## Rows");
    rows.iter().map(|cells| row(cells, request(cells[1]))).collect()
}

fn row(cells: &[&'static str], request: Request) -> Row {
    let (status, more) = cells[11].split_once(' ').unwrap_or((cells[11], ""));
    assert!(!cells[8].is_empty(), "row {} does not say why", cells[0]);
    Row {
        number: number(cells[0]),
        line: cells[1],
        request,
        framing: cells[2],
        over: match cells[3] {
            "http" => Over::Http,
            "tls" => Over::Tls,
            "h2" => Over::Http2,
            other => panic!("over {other}"),
        },
        is_pooled: match cells[4] {
            "pooled" => true,
            "fresh" => false,
            other => panic!("on {other}"),
        },
        keys: cells[5],
        fault: cells[6],
        is_savable: match cells[7] {
            "yes" => true,
            "no" => false,
            other => panic!("savable {other}"),
        },
        comes: number(cells[9]),
        effects: number(cells[10]),
        client: (
            status.parse().expect("a status"),
            Some(more).filter(|more| !more.is_empty() && *more != "cut"),
            more == "cut",
        ),
    }
}

fn number(cell: &str) -> usize {
    cell.parse().unwrap_or_else(|_| panic!("no number: {cell}"))
}

/// The cells of the first table below the heading, without its head.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, below) = LIST.split_once(heading).expect("a heading");
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let cells = |line: &'static str| {
        let inner = line.trim_start_matches('|').trim_end_matches('|');
        inner.split('|').map(|cell| cell.trim().trim_matches('`')).collect()
    };
    lines
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(cells)
        .collect()
}

impl Row {
    /// The name of its connection.
    pub(super) fn name(&self) -> String {
        format!("r{}", self.number)
    }

    pub(super) fn says(&self) -> String {
        let Self {
            number,
            line,
            framing,
            over,
            is_pooled,
            keys,
            fault,
            ..
        } = self;
        format!("{number}: {line}, {framing}, {over:?}, pooled {is_pooled}, keys {keys}, {fault}")
    }

    pub(super) fn is_head(&self) -> bool {
        self.request.method == "HEAD"
    }

    /// Fault and code, where there is one.
    pub(super) fn fault(&self) -> (&'static str, &'static str) {
        self.fault.split_once(':').unwrap_or((self.fault, ""))
    }

    /// How often it is run: once where the first time leaves traces in the proxy (keys, clock, circuits), or is long; else twice,
    /// or as often as `FAULTS_TIMES` says.
    pub(super) fn repetitions(&self) -> usize {
        let leaves_traces = ["refused", "tls-", "skewed", "417", "no-100", "stall", "1xx"];
        let is_once = self.keys != "static" || self.framing.ends_with('M') || self.fault.contains(':');
        if is_once || leaves_traces.iter().any(|begin| self.fault.starts_with(begin)) {
            return 1;
        }
        let times = std::env::var_os("FAULTS_TIMES").map(|times| times.into_string().expect("a number"));
        times.map_or(2, |times| number(&times))
    }

    /// The body: the request's own, or as many bytes as the row says.
    pub(super) fn body(&self) -> Vec<u8> {
        let own = self.request.own_body;
        match self.framing.split_once(' ') {
            _ if own == "0xa0" => vec![0xa0],
            None => own.as_bytes().to_vec(),
            Some((_, length)) => {
                let (count, unit) = length.split_at(length.len() - 1);
                let unit = if unit == "k" { 1_000 } else { 1 << 20 };
                let salt = self.number;
                let bytes = (0..number(count) * unit).map(|at| (at % 241 + at / 4_096 + salt) % 256);
                bytes.map(|byte| u8::try_from(byte).expect("below 256")).collect()
            }
        }
    }

    /// The request as the client sends it.
    pub(super) fn bytes(&self, body: &[u8]) -> Vec<u8> {
        let Request {
            method, target, fields, ..
        } = &self.request;
        let mut head = format!("{method} /@{}{target} HTTP/1.1\r\nHost: localhost\r\n", self.name());
        for field in fields {
            head.push_str(field);
            head.push_str("\r\n");
        }
        let mut bytes = match self.framing.split(' ').next() {
            Some("none") => return format!("{head}\r\n").into_bytes(),
            Some("length") => format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes(),
            Some("chunked") => format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len()).into_bytes(),
            other => panic!("body {other:?}"),
        };
        bytes.extend_from_slice(body);
        if self.framing.starts_with("chunked") {
            bytes.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        bytes
    }
}
