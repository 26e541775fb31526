import type { Model } from "../api/types";
import { cost, rate } from "../format";
import { ERRORS } from "../parts/outcome";
import type { TimeRange } from "../parts/range";
import { Link } from "../router";
import type { ViewProps } from "../views";
import { errors, itl, requests, spent, tokensOut, ttft, ttft95 } from "./columns";
import { recordsOf, RollupPage } from "./page";
import type { Column } from "./table";

const columns = (range: TimeRange): readonly Column<Model>[] => {
  const named = ({ provider, model }: Model) => ({ provider: provider ?? "", model });
  const of = (model: Model) => recordsOf(range, named(model));
  return [
    {
      name: "Model",
      cell: (model) => (
        <>
          <Link href={of(model)}>{model.model}</Link>{" "}
          <span className="muted">{model.provider}</span>
        </>
      ),
    },
    requests(of),
    errors((model) => recordsOf(range, { ...named(model), ...ERRORS })),
    ttft,
    ttft95,
    itl,
    {
      name: "Tok/s",
      hint: "output tokens per second, the mean of the records",
      isNumber: true,
      min: "small",
      cell: (model) => rate(model.tokens_per_second),
      bar: (model) => model.tokens_per_second,
    },
    tokensOut,
    {
      name: "$ / 1,000 tokens",
      hint: "what 1,000 tokens of output came to, input and all",
      isNumber: true,
      min: "wide",
      cell: (model) => cost(model.cost_per_1000_usd),
      bar: (model) => model.cost_per_1000_usd,
    },
    spent,
  ];
};

/** The models side by side: which is quick, which is even, which is dear. */
export function ModelsPage({ search }: ViewProps) {
  return (
    <RollupPage<Model>
      title="Models"
      path="/models"
      noun="model"
      address="/api/v1/models"
      rowsOf={(answer) => ("models" in answer ? answer.models : [])}
      keyOf={({ provider, model }) => `${provider ?? ""}/${model}`}
      columns={columns}
      usualSort="-count"
      hint={<p>No model was asked in this time.</p>}
      search={search}
    />
  );
}
