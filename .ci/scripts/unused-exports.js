/**
 * Finds dead code that crosses modules: exports that no module imports, and modules that no page and no module loads.
 * Usage: node unused-exports.js FOLDER ENTRY... where an entry is a script that a template names.
 */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

const [folder, ...entries] = process.argv.slice(2);

/** Calls back with a node and everything below it. */
function visit(node, handle) {
  handle(node);
  ts.forEachChild(node, (child) => visit(child, handle));
}

/** The names that a top-level statement exports. */
function exportedBy(statement) {
  if (ts.isExportDeclaration(statement)) return statement.exportClause?.elements?.map((element) => element.name.text) ?? ["*"];
  if (ts.isExportAssignment(statement)) return ["default"];
  if (!statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText());
  return [statement.name.text];
}

/** The name that an import statement takes, with "*" for all of them. */
function importedBy(clause) {
  if (!clause) return [];
  const names = clause.name ? ["default"] : [];
  const bindings = clause.namedBindings;
  if (!bindings) return names;
  if (ts.isNamespaceImport(bindings)) return [...names, "*"];
  return [...names, ...bindings.elements.map((element) => (element.propertyName ?? element.name).text)];
}

const modules = readdirSync(folder, { recursive: true })
  .map((name) => path.join(folder, name))
  .filter((file) => file.endsWith(".js") && !file.includes(`${path.sep}vendor${path.sep}`));
const used = new Map(modules.map((file) => [file, new Set()]));
const loaded = new Set(entries.map((file) => path.normalize(file)));
const exported = [];

for (const file of modules) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  for (const statement of source.statements) for (const name of exportedBy(statement)) exported.push({ file, name });
  const use = (specifier, names) => {
    const target = path.join(path.dirname(file), specifier.text);
    loaded.add(target);
    for (const name of names) used.get(target)?.add(name);
  };
  visit(source, (node) => {
    if (ts.isImportDeclaration(node)) use(node.moduleSpecifier, importedBy(node.importClause));
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) use(node.arguments[0], ["*"]);
  });
}

const problems = [
  ...modules.filter((file) => !loaded.has(file)).map((file) => `${file}: no page and no module loads it`),
  ...exported
    .filter(({ file, name }) => !used.get(file).has(name) && !used.get(file).has("*"))
    .map(({ file, name }) => `${file}: no module imports ${name}`),
];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length ? 1 : 0;
