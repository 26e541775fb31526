/** As high as the chart will be, so that the rows stay where they are when it comes. */
export function TimeChartPlace() {
  return <div className="records-time-place" />;
}
