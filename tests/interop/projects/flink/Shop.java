import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.lineage.LineageDataset;
import org.apache.flink.streaming.api.lineage.LineageDatasetFacet;
import org.apache.flink.streaming.api.lineage.LineageVertex;
import org.apache.flink.streaming.api.lineage.LineageVertexProvider;
import org.apache.flink.streaming.api.lineage.SourceLineageVertex;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/** A stream between two topics, a query over files, and a stream that fails. */
public class Shop {

  /** A topic, as connectors describe theirs to Flink. */
  record Topic(String name) implements LineageDataset {
    public String namespace() {
      return "kafka://broker:9092";
    }

    public Map<String, LineageDatasetFacet> facets() {
      return Map.of();
    }
  }

  record Read(List<LineageDataset> datasets, Boundedness boundedness) implements SourceLineageVertex {}

  record Written(List<LineageDataset> datasets) implements LineageVertex {}

  static class Clicks extends NumberSequenceSource implements LineageVertexProvider {
    Clicks() {
      super(1, 100);
    }

    public LineageVertex getLineageVertex() {
      return new Read(List.of(new Topic("clicks")), Boundedness.CONTINUOUS_UNBOUNDED);
    }
  }

  static class Sessions extends DiscardingSink<Long> implements LineageVertexProvider {
    private final String topic;

    Sessions(String topic) {
      this.topic = topic;
    }

    public LineageVertex getLineageVertex() {
      return new Written(List.of(new Topic(topic)));
    }
  }

  static void stream(Configuration configuration, String name, String topic, long worst) throws Exception {
    StreamExecutionEnvironment stream = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    stream.setParallelism(1);
    stream
        .fromSource(new Clicks(), WatermarkStrategy.noWatermarks(), "clicks")
        .map(click -> click / (click - worst))
        .sinkTo(new Sessions(topic));
    stream.execute(name);
  }

  static void query(Configuration configuration) throws Exception {
    String lake = Path.of("lake").toAbsolutePath().toString();
    TableEnvironment tables =
        TableEnvironment.create(EnvironmentSettings.newInstance().inBatchMode().withConfiguration(configuration).build());
    tables.executeSql(
        "create table orders (order_id bigint, customer bigint, amount double) with ('connector' = 'filesystem', "
            + "'format' = 'json', 'path' = 'file://" + lake + "/raw/orders.json')");
    tables.executeSql(
        "create table totals (customer bigint, total double) with ('connector' = 'filesystem', "
            + "'format' = 'csv', 'path' = 'file://" + lake + "/gold/totals')");
    tables.executeSql("insert into totals select customer, sum(amount) from orders group by customer").await();
  }

  public static void main(String[] words) throws Exception {
    Configuration configuration = new Configuration();
    for (String word : words) {
      int split = word.indexOf('=');
      configuration.setString(word.substring(0, split), word.substring(split + 1));
    }
    stream(configuration, "sessions", "sessions", 1000);
    query(configuration);
    try {
      stream(configuration, "broken", "broken", 50);
    } catch (Exception error) {
      System.out.println("failed as it should: " + error.getClass().getSimpleName());
    }
  }
}
