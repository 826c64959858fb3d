// A list of calls and what each must give: one line for each, and the sum at the end.
import util from "node:util";

const CALL_SECONDS = 30;

const shown = (value) => {
  const text = util.inspect(value, { depth: 6, breakLength: Infinity, compact: true });
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
};

/// The first place where `got` is not like `wanted`, or nothing. Of an object only the named keys count, of an array
/// every element; a function is asked, a regular expression must match, a class must have made the value.
export function difference(got, wanted, place = "") {
  const differs = () => `${place || "it"} is ${shown(got)}, not ${shown(wanted)}`;
  if (wanted instanceof RegExp) return typeof got === "string" && wanted.test(got) ? undefined : differs();
  if (typeof wanted === "function")
    return wanted(got) ? undefined : `${place || "it"} is ${shown(got)}, refused by ${wanted}`;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(got) || got.length !== wanted.length) return differs();
    return wanted.map((one, i) => difference(got[i], one, `${place}[${i}]`)).find(Boolean);
  }
  if (wanted !== null && typeof wanted === "object") {
    if (got === null || typeof got !== "object") return differs();
    return Object.entries(wanted)
      .map(([key, one]) => difference(got[key], one, place ? `${place}.${key}` : key))
      .find(Boolean);
  }
  return Object.is(got, wanted) ? undefined : differs();
}

const within = (promise) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CALL_SECONDS} s`)), CALL_SECONDS * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

export class Checks {
  passed = 0;
  failed = 0;

  report(fault, what) {
    if (fault) this.failed++;
    else this.passed++;
    console.log(fault ? `FAILED ${what}: ${fault}` : `ok     ${what}`);
  }

  /// Each of `calls`, one after another: {what, call, gives} or {what, call, fails: [class, like]}.
  async run(calls) {
    for (const { what, call, gives, fails } of calls) {
      let fault;
      try {
        const got = await within(Promise.resolve().then(call));
        fault = fails ? `it did not fail, but gave ${shown(got)}` : difference(got, gives);
      } catch (error) {
        if (!fails) fault = `it failed: ${error?.stack ?? shown(error)}`;
        else if (error?.constructor !== fails[0])
          fault = `it failed with ${error?.constructor?.name}: ${shown(error?.message)}`;
        else fault = difference(error, fails[1] ?? {});
      }
      this.report(fault, what);
    }
  }

  /// Prints the sum; the exit code.
  sum() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}
