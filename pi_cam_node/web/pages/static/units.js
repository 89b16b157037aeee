// Numbers in the unit that people prefer: bytes as MiB, microseconds as milliseconds.

const MIB = 1 << 20;

/** Returns {factor, unit}: one shown unit is `factor` of the setting's own. */
export function scaleOf(setting) {
  if (setting.unit === "B") return setting.maximum >= 1024 * MIB ? { factor: MIB, unit: "MiB" } : { factor: 1024, unit: "KiB" };
  if (setting.unit === "µs") return { factor: 1000, unit: "ms" };
  return { factor: 1, unit: setting.unit ?? "" };
}

/** Returns the range in words, empty where there is none: "1 to 65536 MiB". */
export function rangeOf(setting) {
  if (typeof setting.minimum !== "number" || typeof setting.maximum !== "number") return "";
  const { factor, unit } = scaleOf(setting);
  const step = setting.step ? `, in steps of ${setting.step / factor}` : "";
  return `${short(setting.minimum / factor)} to ${short(setting.maximum / factor)} ${unit}`.trim() + step + ".";
}

/** Returns a number without the noise of binary fractions. */
export const short = (number) => String(Number(number.toPrecision(10)));
