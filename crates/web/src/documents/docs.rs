//! The page /docs: the interface for people, made from the OpenAPI document once for each language.
//! It adds nothing to the document: what is wrong here is wrong there.

use super::{
    OPENAPI, Page,
    html::{Text, add, line, page, prose},
    schemas::{self, field, kind, name_of},
    tree::Node,
};
use crate::language::Language;
use std::sync::LazyLock;

/// English and Chinese.
static PAGES: LazyLock<[Page; 2]> = LazyLock::new(|| {
    let document: Node = serde_json::from_str(OPENAPI).expect("a test reads the document");
    [Language::En, Language::Zh].map(|language| Docs { document: &document, language }.page())
});

/// The interface as a page.
pub fn docs_page(language: Language) -> Page {
    language.pick(&PAGES[0], &PAGES[1]).clone()
}

/// The page in the making.
struct Docs<'a> {
    document: &'a Node,
    language: Language,
}

/// One path with those of its methods that do the same.
#[derive(Clone, Copy)]
struct Call<'a> {
    path: &'a str,
    methods: &'a [(String, Node)],
    /// Other methods of this path do something else.
    one_of_several: bool,
}

impl<'a> Call<'a> {
    /// What is said of it, which is the same for each of its methods.
    fn operation(self) -> &'a Node {
        &self.methods[0].1
    }

    /// The calls of a path: its methods in the order of the document, those beside each other that do the same as one.
    fn of(path: &'a str, methods: &'a [(String, Node)]) -> impl Iterator<Item = Self> {
        let same = |(_, one): &(String, Node), (_, other): &(String, Node)| {
            one.text("summary") == other.text("summary")
        };
        let one_of_several = methods.chunk_by(same).count() > 1;
        methods.chunk_by(same).map(move |methods| Self { path, methods, one_of_several })
    }

    fn anchor(self) -> String {
        let path = self.path.replace(['/', '.'], "-").replace(['{', '}'], "");
        match self.methods {
            [(method, _), ..] if self.one_of_several => format!("call{path}-{method}"),
            _ => format!("call{path}"),
        }
    }

    /// As the contents name it.
    fn name(self) -> String {
        match self.methods {
            [(method, _), ..] if self.one_of_several => {
                format!("{} {}", method.to_uppercase(), self.path)
            }
            _ => self.path.to_owned(),
        }
    }

    fn has_tag(self, tag: &str) -> bool {
        self.operation().list("tags").iter().any(|one| one.as_text() == Some(tag))
    }
}

impl<'a> Docs<'a> {
    fn say(&self, en: &'static str, zh: &'static str) -> &'static str {
        self.language.pick(en, zh)
    }

    fn calls(&self, tag: &'a str) -> impl Iterator<Item = Call<'a>> {
        let paths = self.document.table("paths").iter();
        paths
            .flat_map(|(path, methods)| Call::of(path, methods.entries()))
            .filter(move |call| call.has_tag(tag))
    }

    /// The node itself, or what its `$ref` names.
    fn resolved(&self, node: &'a Node) -> &'a Node {
        let reference = node.get("$ref").and_then(Node::as_text);
        reference.and_then(|reference| self.document.find(reference)).unwrap_or(node)
    }

    fn page(&self) -> Page {
        let info = self.document.get("info").unwrap_or(self.document);
        let mut out = String::new();
        add(
            &mut out,
            format_args!(
                "<header><h1>{} <small>{}</small></h1><p>{}</p>\
                 <p><a href=\"/\">{}</a> · <a href=\"/docs/curl\">curl</a> · <a href=\"/openapi.json\">openapi.json</a></p></header>\n",
                Text(info.text("title")),
                Text(info.text("version")),
                Text(info.text("summary")),
                self.say("Activities", "活动"),
            ),
        );
        add(
            &mut out,
            format_args!("<div class=\"columns\"><nav>{}</nav><main>\n", self.contents()),
        );
        if self.language == Language::Zh {
            out.push_str("<p class=\"note\">以下接口说明为英文。</p>\n");
        }
        add(
            &mut out,
            format_args!("<section id=\"begin\">{}</section>\n", prose(info.text("description"))),
        );
        out.push_str(&self.rets());
        for tag in self.document.list("tags") {
            out.push_str(&self.section(tag));
        }
        out.push_str(&self.shared_answers());
        let title = self.say("Schemas", "数据结构");
        let all = schemas::all(self.document, self.language);
        add(&mut out, format_args!("<section id=\"schemas\"><h2>{title}</h2>{all}</section>\n"));
        out.push_str("</main></div>");
        page(self.language, self.say("Firstcome: the interface", "Firstcome：接口文档"), &out)
    }

    fn contents(&self) -> String {
        let mut out = String::from("<ul>");
        let heads = [
            ("begin", self.say("How it works", "概述")),
            ("ret", self.say("Answers by ret", "返回码")),
        ];
        for (anchor, text) in heads {
            add(&mut out, format_args!("<li><a href=\"#{anchor}\">{text}</a></li>"));
        }
        for tag in self.document.list("tags") {
            add(&mut out, format_args!("<li><b>{}</b><ul>", Text(tag.text("name"))));
            for call in self.calls(tag.text("name")) {
                let (anchor, name) = (call.anchor(), call.name());
                let name = Text(&name);
                add(
                    &mut out,
                    format_args!("<li><a href=\"#{anchor}\"><code>{name}</code></a></li>"),
                );
            }
            out.push_str("</ul></li>");
        }
        let tails = [
            ("answers", self.say("Shared answers", "通用应答")),
            ("schemas", self.say("Schemas", "数据结构")),
        ];
        for (anchor, text) in tails {
            add(&mut out, format_args!("<li><a href=\"#{anchor}\">{text}</a></li>"));
        }
        out + "</ul>"
    }

    /// The table of permanent numbers.
    fn rets(&self) -> String {
        let title = self.say("Answers by ret", "返回码");
        let mut out = format!(
            "<section id=\"ret\"><h2>{title}</h2><table><thead><tr><th class=\"number\">ret</th><th class=\"number\">HTTP</th>\
             <th>{}</th></tr></thead><tbody>\n",
            self.say("meaning; what data holds", "含义；data 的内容"),
        );
        for row in self.document.list("x-ret") {
            let number = |key: &str| row.get(key).map(Node::flat).unwrap_or_default();
            add(
                &mut out,
                format_args!(
                    "<tr id=\"ret{ret}\"><td class=\"number\">{ret}</td><td class=\"number\">{}</td><td><b>{}</b> {} \
                     <span class=\"kind\">{}</span></td></tr>\n",
                    number("status"),
                    Text(row.text("name")),
                    line(row.text("meaning")),
                    line(row.text("data")),
                    ret = number("ret"),
                ),
            );
        }
        out + "</tbody></table></section>\n"
    }

    fn section(&self, tag: &'a Node) -> String {
        let name = tag.text("name");
        let mut out =
            format!("<section><h2>{}</h2>{}\n", Text(name), prose(tag.text("description")));
        for call in self.calls(name) {
            out.push_str(&self.call(call));
        }
        out + "</section>\n"
    }

    fn call(&self, call: Call<'a>) -> String {
        let operation = call.operation();
        let mut out = format!("<article id=\"{}\"><h3>", call.anchor());
        for (method, _) in call.methods {
            add(&mut out, format_args!("<span class=\"method\">{}</span> ", method.to_uppercase()));
        }
        add(
            &mut out,
            format_args!(
                "<code>{}</code></h3><p><b>{}.</b> <span class=\"kind\">{}</span></p>{}",
                Text(call.path),
                Text(operation.text("summary")),
                self.who(operation),
                prose(operation.text("description")),
            ),
        );
        out.push_str(&self.call_rets(operation));
        out.push_str(&self.samples(operation));
        out.push_str(&self.parameters(operation));
        let body = call.methods.iter().find_map(|(_, one)| one.get("requestBody"));
        out.push_str(&body.map(|body| self.body(body)).unwrap_or_default());
        out.push_str(&self.answers(operation));
        out + "</article>\n"
    }

    /// Who may ask.
    fn who(&self, operation: &Node) -> &'static str {
        let forbidden = operation.get("responses").and_then(|all| all.get("403"));
        let operators = forbidden.is_some_and(|one| name_of(one.text("$ref")) == "Operators");
        match operation.get("security") {
            _ if operators => self.say("For operators.", "仅限管理员。"),
            None => self.say("For people who are signed in.", "需要登录。"),
            Some(Node::List(ways)) if ways.is_empty() => self.say("For everybody.", "任何人。"),
            Some(_) => self.say("For everybody; signed in or not.", "任何人，登录与否均可。"),
        }
    }

    fn call_rets(&self, operation: &Node) -> String {
        let mut out = String::from("<p class=\"rets\">ret");
        for ret in operation.list("x-ret").iter().map(Node::flat) {
            add(&mut out, format_args!(" <a href=\"#ret{ret}\">{ret}</a>"));
        }
        out + "</p>"
    }

    fn samples(&self, operation: &Node) -> String {
        let mut out = String::new();
        for sample in operation.list("x-codeSamples") {
            let (label, source) = (Text(sample.text("label")), Text(sample.text("source")));
            add(&mut out, format_args!("<p class=\"label\">{label}</p><pre>{source}</pre>"));
        }
        out
    }

    fn parameters(&self, operation: &'a Node) -> String {
        let mut out = String::new();
        for one in operation.list("parameters") {
            let one = self.resolved(one);
            let place = match (one.text("in"), one.get("required").is_some()) {
                ("header", _) => self.say(", header", "，请求头"),
                (_, true) => self.say(", required", "，必填"),
                (_, false) => "",
            };
            let schema = one.get("schema").unwrap_or(one);
            field(&mut out, one.text("name"), place, schema, one.text("description"));
        }
        if out.is_empty() {
            return out;
        }
        let title = self.say("Parameters", "参数");
        format!("<details><summary>{title}</summary><dl>{out}</dl></details>")
    }

    fn body(&self, body: &'a Node) -> String {
        let body = self.resolved(body);
        let (title, text) = (self.say("Body", "请求体"), prose(body.text("description")));
        let contents = self.media(body);
        format!("<details><summary>{title}</summary>{text}{contents}</details>")
    }

    /// The success with its examples; the answers that many calls share as links.
    fn answers(&self, operation: &'a Node) -> String {
        let mut out = String::new();
        for (status, answer) in operation.table("responses") {
            let shared = name_of(answer.text("$ref"));
            let (answer, status) = (self.resolved(answer), Text(status));
            let text = line(answer.text("description"));
            if shared.is_empty() || status.0 == "200" {
                let (headers, media) = (self.headers(answer), self.media(answer));
                add(&mut out, format_args!("<p><b>{status}</b> {text}</p>{headers}{media}"));
            } else {
                let link =
                    format_args!("<p><b>{status}</b> <a href=\"#answer-{shared}\">").to_string();
                add(&mut out, format_args!("{link}{shared}</a></p>"));
            }
        }
        let title = self.say("Answers", "应答");
        format!("<details><summary>{title}</summary>{out}</details>")
    }

    /// What a body is in each of its types, with its examples.
    fn media(&self, holder: &'a Node) -> String {
        let mut out = String::new();
        for (media, content) in holder.table("content") {
            let schema = content.get("schema").map(kind).unwrap_or_default();
            add(&mut out, format_args!("<p class=\"label\">{}: {schema}</p>", Text(media)));
            let named = content.table("examples").iter();
            let named = named.filter_map(|(name, one)| Some((name.as_str(), one.get("value")?)));
            for (name, example) in
                content.get("example").map(|one| ("", one)).into_iter().chain(named)
            {
                if !name.is_empty() {
                    add(&mut out, format_args!("<p class=\"label\">{}</p>", Text(name)));
                }
                let text = example.as_text().map_or_else(|| example.pretty(), str::to_owned);
                add(&mut out, format_args!("<pre>{}</pre>", Text(&text)));
            }
        }
        out
    }

    fn headers(&self, answer: &'a Node) -> String {
        let mut out = String::new();
        for (name, header) in answer.table("headers") {
            let header = self.resolved(header);
            let schema = header.get("schema").unwrap_or(header);
            let place = self.say(", header", "，响应头");
            field(&mut out, name, place, schema, header.text("description"));
        }
        if out.is_empty() { out } else { format!("<dl>{out}</dl>") }
    }

    /// The answers that are not of one call alone.
    fn shared_answers(&self) -> String {
        let title = self.say("Shared answers", "通用应答");
        let mut out = format!("<section id=\"answers\"><h2>{title}</h2>\n");
        let all = self.document.find("#/components/responses").map_or(&[][..], Node::entries);
        for (name, answer) in all {
            let (name, text) = (Text(name), prose(answer.text("description")));
            let (headers, media) = (self.headers(answer), self.media(answer));
            add(
                &mut out,
                format_args!(
                    "<details class=\"schema\"><summary><code>{name}</code></summary>\
                     <div id=\"answer-{name}\">{text}{headers}{media}</div></details>\n"
                ),
            );
        }
        out + "</section>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::html::tests::assert_strict;

    #[test]
    fn the_page_shows_every_call_and_every_link_leads_somewhere() {
        let document: Node = serde_json::from_str(OPENAPI).unwrap();
        for language in [Language::En, Language::Zh] {
            let docs = docs_page(language);
            assert_strict(&docs);
            let html = docs.0;
            for (path, _) in document.table("paths") {
                assert!(html.contains(&format!("<code>{path}</code></h3>")), "{path}");
            }
            for link in html.split("href=\"#").skip(1) {
                let anchor = link.split('"').next().unwrap();
                assert_eq!(html.matches(&format!(" id=\"{anchor}\"")).count(), 1, "{anchor}");
            }
        }
    }

    #[test]
    fn methods_that_are_shown_together_do_the_same() {
        let document: Node = serde_json::from_str(OPENAPI).unwrap();
        let paths = document.table("paths").iter();
        for call in paths.flat_map(|(path, methods)| Call::of(path, methods.entries())) {
            for key in ["summary", "description", "tags", "parameters", "responses", "x-ret"] {
                let mut said = call.methods.iter().map(|(_, one)| one.get(key).map(Node::flat));
                let first = said.next().unwrap();
                assert!(said.all(|one| one == first), "{key} of {}", call.path);
            }
        }
    }

    #[test]
    fn methods_that_do_different_things_are_shown_apart() {
        let document: Node = serde_json::from_str(OPENAPI).unwrap();
        let methods = document.table("paths").iter().find(|(path, _)| path == "/act/standby");
        let (path, methods) = methods.unwrap();
        let anchors: Vec<String> = Call::of(path, methods.entries()).map(Call::anchor).collect();
        let expected = ["get", "post", "delete"].map(|one| format!("call-act-standby-{one}"));
        assert_eq!(anchors, expected);
        let (path, methods) = &document.table("paths")[0];
        let anchors: Vec<String> = Call::of(path, methods.entries()).map(Call::anchor).collect();
        assert_eq!(anchors, ["call-act-list"]);
    }
}
