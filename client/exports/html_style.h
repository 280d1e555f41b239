#ifndef ANAMNESIS_CLIENT_EXPORTS_HTML_STYLE_H_
#define ANAMNESIS_CLIENT_EXPORTS_HTML_STYLE_H_

// How an export looks: on a screen, and on A4 with page numbers.

#include <string_view>

namespace anamnesis::exports {

inline constexpr std::string_view kStyle = R"css(
:root { --ink: #1b1f24; --soft: #5b6470; --line: #d5dae0; --pale: #f5f7f9; --bad: #a3180f; --good: #1a6b35; --link:
  #1a4f8b; }
* { box-sizing: border-box; }
html { font: 16px/1.5 Charter, "Bitstream Charter", "Source Serif 4", "DejaVu Serif", Georgia, serif; color:
  var(--ink); }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 62rem; }
h1, h2, h3, h4, table, nav, .facts, .clauses, .cite { font-family: "Source Sans 3", "Helvetica Neue", "DejaVu Sans",
  Arial, sans-serif; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 3rem 0 .3rem; padding-top: .8rem; border-top: 2px solid
  var(--ink); }
h3 { font-size: 1rem; margin: 1.8rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
bdi { white-space: pre-line; } bdi[title] { cursor: help; }
h1, h2, h3, p, li, td, th, dd, nav a { overflow-wrap: anywhere; }
.kind { color: var(--soft); letter-spacing: .06em; text-transform: uppercase; font-size: .8rem; margin: 0; }
.clauses { color: var(--soft); font-size: .85rem; margin: 0 0 .8rem; }
.facts { font-size: .9rem; margin: 1.2rem 0; }
.facts dt { color: var(--soft); float: left; clear: left; width: 11rem; }
.facts dd { margin: 0 0 .2rem 12rem; }
nav { font-size: .9rem; columns: 2; margin: 1.5rem 0; } nav a { display: block; padding: .1rem 0; break-inside:
  avoid; }
nav b { color: var(--bad); font-weight: 600; }
.gaps { border-left: 4px solid var(--bad); background: #fdf4f3; padding: .6rem 1rem .7rem; margin: 1rem 0; }
.gaps h3 { margin: 0 0 .3rem; color: var(--bad); }
.gaps h4 { margin: .7rem 0 .1rem; font-size: .9rem; }
.gaps ul { margin: 0; padding-left: 1.4rem; } .gaps li { margin: .2rem 0; }
.gaps .clause { font-family: "Source Sans 3", "DejaVu Sans", Arial, sans-serif; font-size: .85rem; font-weight: 600; }
.nogaps { border-left: 4px solid var(--good); background: #f2f8f4; padding: .5rem 1rem; margin: 1rem 0; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; font-size: .82rem; line-height: 1.4; margin: 0 0
  1rem; }
th { text-align: left; font-weight: 600; border-bottom: 1.5px solid var(--ink); padding: .3rem .7rem .3rem 0;
  vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); padding: .3rem .7rem .3rem 0; vertical-align: top; }
tr { break-inside: avoid; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.void { color: var(--soft); text-decoration: line-through; }
.time bdi { white-space: nowrap; }
.cite { font-size: .74rem; } .cite a { white-space: nowrap; }
.none { color: var(--soft); font-style: italic; }
.record { border-top: 1px solid var(--line); padding: .7rem 0; font-size: .82rem; }
.record h3 { margin: 0; font-size: .92rem; }
.record dl { margin: .3rem 0 0; }
.record dl div { padding-left: 14rem; text-indent: -14rem; }
.record dt { color: var(--soft); display: inline-block; width: 13.5rem; text-indent: 0; vertical-align: top;
  overflow-wrap: anywhere; }
.record dd { display: inline; margin: 0; }
.record .hex { font: .72rem/1.4 "DejaVu Sans Mono", Menlo, monospace; }
.foot { margin-top: 3rem; color: var(--soft); font-size: .85rem; border-top: 1px solid var(--line); padding-top:
  .8rem; }
@page { size: A4; margin: 18mm 16mm 20mm;
  @bottom-left { content: string(heading); font: 8pt sans-serif; color: #5b6470; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #5b6470; } }
@media print {
  html { font-size: 9.5pt; } body { max-width: none; padding: 0; } h1 { string-set: heading content(); }
  h2, h3, .clauses { break-after: avoid; } a { color: inherit; } .time bdi { white-space: normal; }
  thead { display: table-header-group; }
}
@media screen and (max-width: 45rem) {
  .facts dt { float: none; width: auto; } .facts dd { margin-left: 0; } nav { columns: 1; }
  .record dl div { padding-left: 1rem; text-indent: -1rem; } .record dt { display: inline; }
  .table { overflow-x: auto; } table { min-width: 44rem; }
}
)css";

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_HTML_STYLE_H_
