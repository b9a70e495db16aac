import { useId } from "preact/hooks";

interface ChoicesProps<T extends string> {
  legend: string;
  /** All that can be chosen, in their order, with their words. */
  options: Record<T, string>;
  chosen: T[];
  choose: (chosen: T[]) => void;
  errors: string[] | undefined;
}

/** Some of a few things, as boxes to check. */
export function Choices<T extends string>({ legend, options, chosen, choose, errors }: ChoicesProps<T>) {
  const id = useId();
  const all = Object.keys(options) as T[];
  return (
    <fieldset>
      <legend>{legend}</legend>
      {all.map((option) => (
        <label class="check" key={option}>
          <input
            type="checkbox"
            aria-invalid={errors ? true : undefined}
            aria-describedby={errors && id}
            checked={chosen.includes(option)}
            onChange={({ currentTarget }) => choose(all.filter((other) => (other === option ? currentTarget.checked : chosen.includes(other))))}
          />
          {options[option]}
        </label>
      ))}
      {errors && (
        <p class="error" id={id}>
          {errors.join(" ")}
        </p>
      )}
    </fieldset>
  );
}
