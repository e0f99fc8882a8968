// The package ships no types; these are the parts in use. https://github.com/kroitor/asciichart#usage
declare module 'asciichart' {
  interface PlotConfig {
    min?: number;
    height?: number;
    symbols?: readonly string[];
    format?: (value: number) => string;
  }
  const asciichart: { plot(series: readonly number[], config?: PlotConfig): string };
  export default asciichart;
}
