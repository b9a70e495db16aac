// Texts that answers are made of.

const vocabulary = "the bridge keeps each message until a worker has answered it and tells whoever reads along what came so far".split(" ");

/** filler is n words in sentences and paragraphs. */
export function filler(n) {
  const out = [];
  for (let i = 0; i < n; i++) out.push(vocabulary[(i * 7 + (i >> 3)) % vocabulary.length] + (i % 12 === 11 ? (i % 48 === 47 ? ".\n\n" : ". ") : " "));
  return out.join("").trim();
}

export const rtl = "مرحبا بالعالم. هذه إجابة طويلة بما يكفي لتلتف على سطرين في نافذة ضيقة، وفيها كلمة English وأرقام 123.\n\nשלום עולם. זו תשובה בעברית עם `code` ועם קישור: https://example.com/.\n\n- أول\n- ثان\n\n| عمود | قيمة |\n|---|---:|\n| أ | 1 |\n";

/** document has a piece of everything that answers bring. */
export const document = `# A heading

A paragraph with **bold**, *italic*, \`inline code\`, ~~struck~~ and [a link](https://example.com/a "title"). An autolink: https://example.com/b.

## Lists

1. First
2. Second
   - nested, with a word that is much too long to fit: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
   - nested too
3. Third

- [x] done
- [ ] to do

> A quote
> of two lines.

| name | count | what it is |
|:-----|------:|:----------:|
| one | 1 | a row whose text is long enough to want more than its column has |
| two | 22 | short |

\`\`\`js
// A line that is longer than the column, so that the block must scroll by itself and not the page: ${"x".repeat(120)}
export function sum(a, b) {
  return a + b;
}
\`\`\`

\`\`\`python
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
\`\`\`

Maths: $e^{i\\pi} + 1 = 0$ and

$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$

It costs $5 and $10. <b>No markup</b>. ![an image](https://example.com/x.png)

---

The end.

`;
